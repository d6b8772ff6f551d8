//! What a component comes to when it is instantiated, counted before anything is made of it.
//!
//! A component can name another one twice, which names a third one twice, and so on: what is instantiated
//! grows exponentially with the file. So instantiation is played through with names and counts alone, and
//! stops at the first limit.
//!
//! **Invariant: the work is bounded by [`MAX_STEPS`]**, whatever the component is, as long as it is valid.

use crate::error::CompileError;
use std::collections::HashMap;
use std::rc::Rc;
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef,
    Encoding, Instance, Parser, Payload,
};

/// Core module instances that a component may come to.
pub(super) const MAX_INSTANCES: u64 = 1000;

/// Functions of all core instances together.
pub(super) const MAX_FUNCTIONS: u64 = 1_000_000;

/// Bytes of all core instances' modules together.
pub(super) const MAX_BYTES: u64 = 256 << 20;

/// Tables of all core instances together.
pub(super) const MAX_TABLES: u64 = 1000;

/// Memories of all core instances together.
pub(super) const MAX_MEMORIES: u64 = 100;

/// Component instances inside each other.
const MAX_DEPTH: u64 = 100;

/// Definitions that instantiation may pass, those of each nested instance counted anew.
const MAX_STEPS: u64 = 1_000_000;

/// What instances of core modules come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Census {
    /// Instances of core modules.
    pub(super) instances: u64,
    functions: u64,
    bytes: u64,
    tables: u64,
    memories: u64,
    /// Tags that modules define: without one, no exception can be thrown.
    pub(super) tags: u64,
}

impl Census {
    fn add(&mut self, module: &Census) -> Result<(), CompileError> {
        let sum = |value: &mut u64, more: u64, what, limit| {
            *value = value.saturating_add(more);
            if *value > limit { Err(CompileError::Limit { what, actual: *value, limit }) } else { Ok(()) }
        };
        sum(&mut self.instances, 1, "core instances of the component", MAX_INSTANCES)?;
        sum(&mut self.functions, module.functions, "functions of all core instances", MAX_FUNCTIONS)?;
        sum(&mut self.bytes, module.bytes, "bytes of all core instances' modules", MAX_BYTES)?;
        sum(&mut self.tables, module.tables, "tables of all core instances", MAX_TABLES)?;
        sum(&mut self.memories, module.memories, "memories of all core instances", MAX_MEMORIES)?;
        self.tags = self.tags.saturating_add(module.tags);
        Ok(())
    }
}

/// Counts the items that instantiating a valid component creates.
///
/// # Errors
/// A count exceeds a limit.
pub(super) fn count(component: &[u8]) -> Result<Census, CompileError> {
    let definitions = definitions(component)?;
    let mut play = Play { definitions: &definitions, census: Census::default(), steps: 0, depth: 0 };
    let root = Rc::new(Scope { parent: None, items: Items::default() });
    play.instantiate(definitions.len() - 1, &root, &Exports::new())?;
    Ok(play.census)
}

/// What a component defines that decides what is instantiated, in order.
type Definition<'a> = Vec<Step<'a>>;

/// A definition of a component.
enum Step<'a> {
    Import(&'a str, Sort),
    /// A core module, by its cost.
    Module(Census),
    /// A component, by its position in the list of definitions.
    Component(usize),
    Outer(Sort, u32, u32),
    FromInstance(Sort, u32, &'a str),
    CoreInstance(u32),
    Instantiate(u32, Vec<Named<'a>>),
    Bundle(Vec<Named<'a>>),
    Export(Named<'a>),
}

/// An item by its name, its kind and its index.
struct Named<'a> {
    name: &'a str,
    sort: Sort,
    index: u32,
}

/// The kinds of items that matter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Module,
    Component,
    Instance,
    Other,
}

impl Sort {
    fn of(kind: ComponentExternalKind) -> Self {
        match kind {
            ComponentExternalKind::Module => Sort::Module,
            ComponentExternalKind::Component => Sort::Component,
            ComponentExternalKind::Instance => Sort::Instance,
            _ => Sort::Other,
        }
    }

    fn of_type(ty: &ComponentTypeRef) -> Self {
        match ty {
            ComponentTypeRef::Module(_) => Sort::Module,
            ComponentTypeRef::Component(_) => Sort::Component,
            ComponentTypeRef::Instance(_) => Sort::Instance,
            _ => Sort::Other,
        }
    }
}

/// Lists the definitions of all components in the file; each is behind those that it contains.
fn definitions(component: &[u8]) -> Result<Vec<Definition<'_>>, CompileError> {
    let mut done: Vec<Definition<'_>> = Vec::new();
    let mut open: Vec<Definition<'_>> = Vec::new();
    let mut module: Option<Census> = None;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::Version { encoding: Encoding::Component, .. } => open.push(Vec::new()),
            Payload::ModuleSection { unchecked_range, .. } => {
                module = Some(Census { bytes: unchecked_range.len() as u64, ..Census::default() });
            }
            Payload::End(_) => match module.take() {
                Some(cost) => last(&mut open).push(Step::Module(cost)),
                None => {
                    done.extend(open.pop());
                    if let Some(outer) = open.last_mut() {
                        outer.push(Step::Component(done.len() - 1));
                    }
                }
            },
            payload => match &mut module {
                Some(cost) => note_module(cost, &payload),
                None => note(last(&mut open), payload)?,
            },
        }
    }
    Ok(done)
}

fn last<'v, 'a>(open: &'v mut [Definition<'a>]) -> &'v mut Definition<'a> {
    open.last_mut().expect("what is valid begins with its version")
}

fn note_module(cost: &mut Census, payload: &Payload<'_>) {
    match payload {
        Payload::FunctionSection(reader) => cost.functions = reader.count().into(),
        Payload::TableSection(reader) => cost.tables = reader.count().into(),
        Payload::MemorySection(reader) => cost.memories = reader.count().into(),
        Payload::TagSection(reader) => cost.tags = reader.count().into(),
        _ => {}
    }
}

fn note<'a>(steps: &mut Definition<'a>, payload: Payload<'a>) -> Result<(), CompileError> {
    match payload {
        Payload::ComponentImportSection(reader) => {
            for import in reader {
                let import = import?;
                steps.push(Step::Import(import.name.name, Sort::of_type(&import.ty)));
            }
        }
        Payload::ComponentExportSection(reader) => {
            for export in reader {
                let export = export?;
                let (name, sort) = (export.name.name, Sort::of(export.kind));
                steps.push(Step::Export(Named { name, sort, index: export.index }));
            }
        }
        Payload::InstanceSection(reader) => {
            for instance in reader {
                if let Instance::Instantiate { module_index, .. } = instance? {
                    steps.push(Step::CoreInstance(module_index));
                }
            }
        }
        Payload::ComponentInstanceSection(reader) => {
            for instance in reader {
                steps.push(match instance? {
                    ComponentInstance::Instantiate { component_index, args } => {
                        let arg = |arg: &wasmparser::ComponentInstantiationArg<'a>| Named {
                            name: arg.name,
                            sort: Sort::of(arg.kind),
                            index: arg.index,
                        };
                        Step::Instantiate(component_index, args.iter().map(arg).collect())
                    }
                    ComponentInstance::FromExports(exports) => {
                        let item = |export: &wasmparser::ComponentExport<'a>| Named {
                            name: export.name.name,
                            sort: Sort::of(export.kind),
                            index: export.index,
                        };
                        Step::Bundle(exports.iter().map(item).collect())
                    }
                });
            }
        }
        Payload::ComponentAliasSection(reader) => {
            for alias in reader {
                match alias? {
                    ComponentAlias::InstanceExport { kind, instance_index, name } => {
                        steps.push(Step::FromInstance(Sort::of(kind), instance_index, name));
                    }
                    ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, count, index } => {
                        steps.push(Step::Outer(Sort::Module, count, index));
                    }
                    ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                        steps.push(Step::Outer(Sort::Component, count, index));
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// What an instance exports, as far as it matters.
type Exports = HashMap<String, Value>;

/// A component with the scopes that it is defined in.
type Closure = (usize, Rc<Scope>);

/// An item; one without content is the host's, of which nothing is known.
#[derive(Clone)]
enum Value {
    Module(Option<Census>),
    Component(Option<Closure>),
    Instance(Option<Rc<Exports>>),
}

/// The index spaces of an instance in the making.
#[derive(Default, Clone)]
struct Items {
    modules: Vec<Option<Census>>,
    components: Vec<Option<Closure>>,
    instances: Vec<Option<Rc<Exports>>>,
}

/// What a component definition can see of those around it.
struct Scope {
    parent: Option<Rc<Scope>>,
    items: Items,
}

impl Items {
    fn get(&self, sort: Sort, index: u32) -> Option<Value> {
        let index = index as usize;
        match sort {
            Sort::Module => self.modules.get(index).copied().map(Value::Module),
            Sort::Component => self.components.get(index).cloned().map(Value::Component),
            Sort::Instance => self.instances.get(index).cloned().map(Value::Instance),
            Sort::Other => None,
        }
    }

    /// Adds an item of this kind, the host's if it is not known.
    fn push(&mut self, sort: Sort, value: Option<Value>) {
        match (sort, value) {
            (Sort::Module, Some(Value::Module(cost))) => self.modules.push(cost),
            (Sort::Module, _) => self.modules.push(None),
            (Sort::Component, Some(Value::Component(closure))) => self.components.push(closure),
            (Sort::Component, _) => self.components.push(None),
            (Sort::Instance, Some(Value::Instance(exports))) => self.instances.push(exports),
            (Sort::Instance, _) => self.instances.push(None),
            (Sort::Other, _) => {}
        }
    }

    fn collect(&self, named: &[Named<'_>]) -> Exports {
        let item = |item: &Named<'_>| Some((item.name.to_string(), self.get(item.sort, item.index)?));
        named.iter().filter_map(item).collect()
    }
}

/// Instantiation played through.
struct Play<'d, 'a> {
    definitions: &'d [Definition<'a>],
    census: Census,
    steps: u64,
    depth: u64,
}

impl Play<'_, '_> {
    fn instantiate(
        &mut self,
        definition: usize,
        parent: &Rc<Scope>,
        arguments: &Exports,
    ) -> Result<Exports, CompileError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let what = "component instances inside each other";
            return Err(CompileError::Limit { what, actual: self.depth, limit: MAX_DEPTH });
        }
        let mut items = Items::default();
        let mut exports = Exports::new();
        for step in &self.definitions[definition] {
            self.step(match step {
                Step::Instantiate(_, named) | Step::Bundle(named) => named.len() as u64 + 1,
                // A scope is a copy of what is there.
                Step::Component(_) => {
                    (items.modules.len() + items.components.len() + items.instances.len()) as u64 + 1
                }
                _ => 1,
            })?;
            match step {
                Step::Import(name, sort) => items.push(*sort, arguments.get(*name).cloned()),
                Step::Module(cost) => items.modules.push(Some(*cost)),
                Step::Component(definition) => {
                    let scope = Scope { parent: Some(parent.clone()), items: items.clone() };
                    items.components.push(Some((*definition, Rc::new(scope))));
                }
                Step::Outer(sort, count, index) => {
                    let found = outer(&items, parent, *sort, *count, *index);
                    items.push(*sort, found);
                }
                Step::FromInstance(sort, instance, name) => {
                    let exports = items.instances.get(*instance as usize).and_then(Option::as_ref);
                    let found = exports.and_then(|exports| exports.get(*name)).cloned();
                    items.push(*sort, found);
                }
                Step::CoreInstance(module) => {
                    let cost = items.modules.get(*module as usize).copied().flatten();
                    self.census.add(&cost.unwrap_or_default())?;
                }
                Step::Instantiate(component, named) => {
                    let made = match items.components.get(*component as usize).cloned().flatten() {
                        Some((definition, scope)) => {
                            Some(Rc::new(self.instantiate(definition, &scope, &items.collect(named))?))
                        }
                        None => None,
                    };
                    items.instances.push(made);
                }
                Step::Bundle(named) => items.instances.push(Some(Rc::new(items.collect(named)))),
                Step::Export(named) => {
                    let found = items.get(named.sort, named.index);
                    exports.extend(found.clone().map(|value| (named.name.to_string(), value)));
                    // An export is an item of its own.
                    items.push(named.sort, found);
                }
            }
        }
        self.depth -= 1;
        Ok(exports)
    }

    fn step(&mut self, count: u64) -> Result<(), CompileError> {
        self.steps += count;
        if self.steps > MAX_STEPS {
            let what = "definitions that instantiating the component passes";
            return Err(CompileError::Limit { what, actual: self.steps, limit: MAX_STEPS });
        }
        Ok(())
    }
}

/// An item of a component that is `count` levels further out than the one with these items.
fn outer(items: &Items, parent: &Rc<Scope>, sort: Sort, count: u32, index: u32) -> Option<Value> {
    if count == 0 {
        return items.get(sort, index);
    }
    let mut scope = parent;
    for _ in 1..count {
        scope = scope.parent.as_ref()?;
    }
    scope.items.get(sort, index)
}
