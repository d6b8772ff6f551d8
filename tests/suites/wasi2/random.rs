//! Random calls with random arguments: the host neither panics nor does anything outside of what was granted,
//! and keeps nothing of a guest that is gone.
//!
//! `WASMAOT_RANDOM_CALLS` is their number, `WASMAOT_RANDOM_SEED` what they follow from.

use crate::{Guest, linked, state};
use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};
use wasmaot_component::Val;
use wasmaot_tests::{Random, report, variable};
use wasmaot_wasi::p2::NetworkGrants;

/// Types as artifacts describe them.
use wasmaot_abi::component::{Component, Item, TypeDef, ValueType};

const PATHS: [&str; 12] =
    ["f", "d", "d/f", "link", "out", ".", "..", "../secret", "/etc/passwd", "", "d/../../secret", "new"];

/// What a guest has handles of, by resource.
#[derive(Default)]
struct Handles(HashMap<u32, Vec<Val>>);

struct Caller<'c> {
    component: &'c Component,
    random: Random,
    handles: Handles,
}

impl Caller<'_> {
    fn pick<'v, T: ?Sized>(&mut self, from: &'v [&'v T]) -> &'v T {
        from[self.random.below(from.len())]
    }

    /// Numbers at the edges of what is asked for, and others.
    fn number(&mut self) -> u64 {
        let any = self.random.number();
        match self.random.below(6) {
            0 => 0,
            1 => 1,
            2 => u64::MAX,
            3 => 1 << 63,
            4 => any % 5000,
            _ => any,
        }
    }

    /// A value of a type; none where it takes a handle that there is not.
    fn value(&mut self, ty: ValueType) -> Option<Val> {
        let component = self.component;
        Some(match ty {
            ValueType::Bool => Val::Bool(self.random.below(2) == 0),
            ValueType::U8 => Val::U8(self.number() as u8),
            // Ports without privileges.
            ValueType::U16 => Val::U16(self.number() as u16 | 0x8000),
            ValueType::U32 => Val::U32(self.number() as u32),
            ValueType::U64 => Val::U64(self.number()),
            ValueType::S32 => Val::S32(self.number() as i32),
            ValueType::String => Val::String(self.pick(&PATHS).to_string()),
            ValueType::Borrow { table } => {
                let resource = component.tables[table as usize].resource?;
                let handles = self.handles.0.get(&resource)?;
                let position = self.random.below(handles.len());
                handles[position].clone()
            }
            ValueType::Own { table } => {
                let resource = component.tables[table as usize].resource?;
                let handles = self.handles.0.get_mut(&resource)?;
                let position = self.random.below(handles.len());
                let taken = handles.swap_remove(position);
                if handles.is_empty() {
                    self.handles.0.remove(&resource);
                }
                taken
            }
            ValueType::Defined { index } => return self.defined(&component.types[index as usize]),
            other => panic!("{other:?}"),
        })
    }

    fn defined(&mut self, def: &TypeDef) -> Option<Val> {
        Some(match def {
            TypeDef::List { element } => {
                let count = self.random.below(20);
                Val::List((0..count).map(|_| self.value(*element)).collect::<Option<_>>()?)
            }
            TypeDef::Record { fields } => {
                let fields = fields.iter().map(|field| Some((field.name.clone(), self.value(field.ty)?)));
                Val::Record(fields.collect::<Option<_>>()?)
            }
            TypeDef::Tuple { types } => {
                Val::Tuple(types.iter().map(|&ty| self.value(ty)).collect::<Option<_>>()?)
            }
            TypeDef::Variant { cases } => {
                let case = &cases[self.random.below(cases.len())];
                let payload = match case.ty {
                    Some(ty) => Some(Box::new(self.value(ty)?)),
                    None => None,
                };
                Val::Variant(case.name.clone(), payload)
            }
            TypeDef::Enum { names } => Val::Enum(names[self.random.below(names.len())].clone()),
            TypeDef::Flags { names } => {
                Val::Flags(names.iter().filter(|_| self.random.below(2) == 0).cloned().collect())
            }
            TypeDef::Option { ty } => Val::Option(match self.random.below(2) {
                0 => None,
                _ => Some(Box::new(self.value(*ty)?)),
            }),
            TypeDef::Result { .. } => Val::Result(Ok(None)),
        })
    }

    /// Keeps the handles in a result.
    fn keep(&mut self, ty: ValueType, value: &Val) {
        let component = self.component;
        match (ty, value) {
            (ValueType::Own { table }, Val::Resource(_)) => {
                let resource = component.tables[table as usize].resource.expect("it has values");
                self.handles.0.entry(resource).or_default().push(value.clone());
            }
            (ValueType::Defined { index }, value) => match (&component.types[index as usize], value) {
                (TypeDef::List { element }, Val::List(values)) => {
                    values.iter().for_each(|value| self.keep(*element, value));
                }
                (TypeDef::Tuple { types }, Val::Tuple(values)) => {
                    types.iter().zip(values).for_each(|(&ty, value)| self.keep(ty, value));
                }
                (TypeDef::Option { ty }, Val::Option(Some(value))) => self.keep(*ty, value),
                (TypeDef::Result { ok: Some(ty), .. }, Val::Result(Ok(Some(value)))) => self.keep(*ty, value),
                (TypeDef::Variant { cases }, Val::Variant(name, Some(value))) => {
                    let case = cases.iter().find(|case| case.name == *name).expect("a case");
                    self.keep(case.ty.expect("it has a payload"), value);
                }
                (TypeDef::Result { err: Some(ty), .. }, Val::Result(Err(Some(value)))) => {
                    self.keep(*ty, value);
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// The descriptors of this process that lead into a folder.
fn open_in(folder: &std::path::Path) -> usize {
    let entries = fs::read_dir("/proc/self/fd").expect("the kernel says").flatten();
    entries.filter(|entry| fs::read_link(entry.path()).is_ok_and(|to| to.starts_with(folder))).count()
}

#[test]
fn random_calls_do_no_harm() {
    let calls = variable("WASMAOT_RANDOM_CALLS", 40_000);
    let place = tempfile::tempdir().expect("a folder");
    let (secret, inside) = (place.path().join("secret"), place.path().join("inside"));
    fs::create_dir_all(inside.join("d")).expect("room");
    fs::write(&secret, "secret").expect("room");
    let component = linked().component().description();
    let exports: Vec<(String, u32)> = component
        .exported
        .iter()
        .filter_map(|export| match export.item {
            Item::Lifted { lift } => Some((export.path.join("#"), component.lifts[lift as usize].func)),
            _ => None,
        })
        // They end the guest, whatever is passed.
        .filter(|(name, _)| !name.starts_with("wasi-cli-exit"))
        .collect();
    let mut caller = Caller {
        component,
        random: Random::new(variable("WASMAOT_RANDOM_SEED", 7)),
        handles: Handles::default(),
    };
    let (mut made, mut guests, mut guest) = (0, 0, None);
    for _ in 0..calls {
        let current = guest.get_or_insert_with(|| {
            guests += 1;
            caller.handles = Handles::default();
            let mut state = state(|builder| {
                builder.preopen_dir(&inside, "/").expect("it opens").max_descriptors(30);
                builder.stdin_bytes([b'i'; 100]).capture_stdout(1000).args(["a"]).env("K", "V");
            });
            let mut grants = NetworkGrants::none();
            grants.tcp_if(|address, _| address.ip().is_loopback());
            grants.udp_if(|address, _| address.ip().is_loopback());
            state.set_network(grants);
            Guest::new(state)
        });
        let (name, func) = &exports[caller.random.below(exports.len())];
        let func = &component.functions[*func as usize];
        let Some(args) = func.params.iter().map(|param| caller.value(param.ty)).collect::<Option<Vec<_>>>()
        else {
            continue;
        };
        made += 1;
        current.instance.set_deadline(Instant::now() + Duration::from_millis(2)).expect("it holds");
        match (current.instance.call(name, &args), func.result) {
            (Ok(Some(value)), Some(ty)) => caller.keep(ty, &value),
            (Ok(_), _) => {}
            // It trapped, waited for too long, or has exited.
            (Err(_), _) => guest = None,
        }
    }
    drop(guest);
    report(format_args!("wasi2: {made} random calls by {guests} guests"));
    assert!(made > calls / 4, "{made} calls of {calls}");
    assert_eq!(fs::read(&secret).expect("it is there"), b"secret");
    assert_eq!(fs::read_dir(place.path()).expect("it is there").count(), 2);
    assert_eq!(open_in(&inside), 0, "descriptors that are left");
}
