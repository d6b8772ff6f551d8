//! The component model's own tests, without those of asynchronous components.
//!
//! `refused.txt` lists what does not pass, by file and line, with the feature that each needs. **Invariant: a
//! directive passes, or is refused by the feature that the list names**, and nothing is on the list that
//! passes. `WASMAOT_BLESS=1` writes the list anew.

use crate::suite;
use crate::values::{lower, matches};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use wasmaot_compiler::CompileError;
use wasmaot_component::{Component, Error, Instance, InstancePre, Linker, Val};
use wast::parser::{self, ParseBuffer};
use wast::token::{Id, Span};
use wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet};

/// Folders that are run.
const FOLDERS: [&str; 5] = ["binary", "linking", "resources", "validation", "values"];

/// What came of a directive that does not pass.
enum Failed {
    /// It needs a feature.
    Feature(String),
    /// It is wrong.
    Wrong(String),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed::Wrong(error.to_string())
    }
}

/// A script in the middle of being run.
#[derive(Default)]
struct Script {
    /// Components by name; that of no name is the last one.
    components: HashMap<Option<String>, Outcome<InstancePre<()>>>,
    instances: HashMap<Option<String>, Outcome<Instance<()>>>,
    /// The name of the last instance, if it has one.
    last: Option<String>,
}

/// Something that was made, or the feature that it needs.
type Outcome<T> = Result<T, String>;

/// Compiles and links a component.
fn define(wasm: &[u8]) -> Result<InstancePre<()>, Failed> {
    let artifact = wasmaot_compiler::compile(wasm, &wasmaot_tests::options(), &|_| {}).map_err(refused)?;
    let module = wasmaot_tests::load(&artifact.bytes).map_err(|error| Failed::Wrong(error.to_string()))?;
    let component = Component::new(module).map_err(|error| Failed::Wrong(error.to_string()))?;
    let mut linker = Linker::new();
    linker.trap_undefined(true).set_module_limits(wasmaot_runtime::ModuleLimits {
        memories: 100,
        tables: 1000,
        ..Default::default()
    });
    Ok(linker.instantiate_pre(&component)?)
}

fn refused(error: CompileError) -> Failed {
    match error {
        CompileError::Unsupported { feature, .. } => Failed::Feature(feature.to_string()),
        CompileError::Component { message } => Failed::Feature(message),
        error => Failed::Wrong(error.to_string()),
    }
}

fn name(id: Option<Id<'_>>) -> Option<String> {
    id.map(|id| id.name().to_string())
}

fn bytes(wat: &mut QuoteWat<'_>) -> Result<Vec<u8>, Failed> {
    wat.encode().map_err(|error| Failed::Wrong(error.message()))
}

/// Keeps what was made, or the feature that it needs.
fn keep<T>(made: Result<T, Failed>) -> (Outcome<T>, Result<(), Failed>) {
    match made {
        Ok(made) => (Ok(made), Ok(())),
        Err(Failed::Feature(feature)) => (Err(feature.clone()), Err(Failed::Feature(feature))),
        Err(Failed::Wrong(message)) => {
            (Err("a component that is wrong".to_string()), Err(Failed::Wrong(message)))
        }
    }
}

impl Script {
    fn run(&mut self, directive: WastDirective<'_>) -> Result<(), Failed> {
        match directive {
            WastDirective::Module(mut wat) => {
                let id = name(wat.name());
                let defined = bytes(&mut wat).and_then(|wasm| define(&wasm));
                let made = defined.and_then(|defined| Ok(defined.instantiate(())?));
                let (made, result) = keep(made);
                self.keep_instance(id, made);
                result
            }
            WastDirective::ModuleDefinition(mut wat) => {
                let id = name(wat.name());
                let (defined, result) = keep(bytes(&mut wat).and_then(|wasm| define(&wasm)));
                if id.is_some() {
                    self.components.insert(None, defined.clone());
                }
                self.components.insert(id, defined);
                result
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                let component = self.components.get(&name(module));
                let component = component.ok_or_else(|| Failed::Wrong("no such component".to_string()))?;
                let made = match component {
                    Ok(component) => component.instantiate(()).map_err(Failed::from),
                    Err(feature) => Err(Failed::Feature(feature.clone())),
                };
                let (made, result) = keep(made);
                self.keep_instance(name(instance), made);
                result
            }
            WastDirective::AssertMalformed { mut module, message, .. } => match bytes(&mut module) {
                // The text is malformed.
                Err(_) => Ok(()),
                Ok(wasm) => invalid(&wasm, message),
            },
            WastDirective::AssertInvalid { mut module, message, .. } => {
                invalid(&bytes(&mut module)?, message)
            }
            WastDirective::Invoke(invoke) => self.invoke(invoke).map(|_| ()),
            WastDirective::AssertReturn { exec: WastExecute::Invoke(invoke), results, .. } => {
                let returned = self.invoke(invoke)?;
                let expected: Vec<_> = results
                    .iter()
                    .map(|result| match result {
                        WastRet::Component(value) => Ok(value),
                        _ => Err(Failed::Wrong("a core value".to_string())),
                    })
                    .collect::<Result<_, _>>()?;
                match (&returned, &expected[..]) {
                    (None, []) => Ok(()),
                    (Some(value), [expected]) if matches(value, expected) => Ok(()),
                    _ => Err(Failed::Wrong(format!("{returned:?}, not {expected:?}"))),
                }
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                let trapped = match exec {
                    WastExecute::Invoke(invoke) => self.invoke(invoke).map(|_| ()),
                    WastExecute::Wat(mut wat) => {
                        let wasm = wat.encode().map_err(|error| Failed::Wrong(error.message()))?;
                        define(&wasm).and_then(|defined| Ok(defined.instantiate(()).map(|_| ())?))
                    }
                    WastExecute::Get { .. } => return Err(Failed::Wrong("a global".to_string())),
                };
                let wanted = message.trim_start_matches("wasm trap: ");
                match trapped {
                    Err(Failed::Wrong(found)) if found.contains(wanted) => Ok(()),
                    Err(Failed::Wrong(found)) => Err(Failed::Wrong(format!("{found}, not {message}"))),
                    Err(feature) => Err(feature),
                    Ok(()) => Err(Failed::Wrong(format!("no trap: {message}"))),
                }
            }
            WastDirective::AssertUnlinkable { mut module, .. } => {
                let wasm = module.encode().map_err(|error| Failed::Wrong(error.message()))?;
                match define(&wasm) {
                    Err(Failed::Feature(feature)) => Err(Failed::Feature(feature)),
                    Err(Failed::Wrong(_)) => Ok(()),
                    Ok(_) => Err(Failed::Wrong("it links".to_string())),
                }
            }
            other => Err(Failed::Wrong(format!("unknown directive {other:?}"))),
        }
    }

    fn keep_instance(&mut self, id: Option<String>, made: Outcome<Instance<()>>) {
        self.instances.insert(id.clone(), made);
        self.last = id;
    }

    fn invoke(&mut self, invoke: WastInvoke<'_>) -> Result<Option<Val>, Failed> {
        let id = name(invoke.module).or_else(|| self.last.clone());
        let instance =
            self.instances.get_mut(&id).ok_or_else(|| Failed::Wrong("no such instance".to_string()))?;
        let instance = instance.as_mut().map_err(|feature| Failed::Feature(feature.clone()))?;
        let args = invoke.args.iter().map(|arg| match arg {
            WastArg::Component(value) => Ok(lower(value)),
            _ => Err(Failed::Wrong("a core value".to_string())),
        });
        let args = args.collect::<Result<Vec<Val>, _>>()?;
        Ok(instance.call(invoke.name, &args)?)
    }
}

/// Asserts that a component is refused as invalid.
fn invalid(wasm: &[u8], message: &str) -> Result<(), Failed> {
    match wasmaot_compiler::compile(wasm, &wasmaot_tests::options(), &|_| {}) {
        Err(CompileError::Invalid { message: found, .. }) if found.contains(message) => Ok(()),
        Err(CompileError::Invalid { message: found, .. }) => {
            Err(Failed::Wrong(format!("{found}, not {message}")))
        }
        Err(error) => Err(refused(error)),
        Ok(_) => Err(Failed::Wrong(format!("it is taken: {message}"))),
    }
}

/// Figures of a folder.
#[derive(Default)]
struct Counts {
    passed: usize,
    refused: usize,
}

fn run_file(
    path: &Path,
    shown: &str,
    counts: &mut Counts,
    refused: &mut BTreeMap<String, String>,
    wrong: &mut Vec<String>,
) {
    let text = std::fs::read_to_string(path).expect("a readable script");
    let mut lexer = wast::lexer::Lexer::new(&text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).expect("a script");
    let wast: Wast<'_> = parser::parse(&buffer).unwrap_or_else(|error| panic!("{shown}: {error}"));
    let mut script = Script::default();
    for directive in wast.directives {
        let span: Span = directive.span();
        let line = format!("{shown}:{}", span.linecol_in(&text).0 + 1);
        match script.run(directive) {
            Ok(()) => counts.passed += 1,
            Err(Failed::Feature(feature)) => {
                counts.refused += 1;
                refused.insert(line, feature);
            }
            Err(Failed::Wrong(message)) => wrong.push(format!("{line}: {message}")),
        }
    }
}

#[test]
fn the_component_models_own_tests_pass() {
    let Some(folder) = suite() else { return };
    let (mut refused, mut wrong) = (BTreeMap::new(), Vec::new());
    for name in FOLDERS {
        let mut counts = Counts::default();
        let mut scripts: Vec<_> = std::fs::read_dir(folder.join("component-model").join(name))
            .expect("a folder of scripts")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "wast"))
            .collect();
        scripts.sort();
        for path in scripts {
            let shown = format!("{name}/{}", path.file_name().expect("a name").to_string_lossy());
            run_file(&path, &shown, &mut counts, &mut refused, &mut wrong);
        }
        let Counts { passed, refused } = counts;
        wasmaot_tests::report(format!("component: {name}: {passed} passed, {refused} refused by feature"));
        assert!(passed > 0, "{name}: no directive was run");
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    let list: String = refused.iter().map(|(line, feature)| format!("{line} {feature}\n")).collect();
    let path = wasmaot_tests::tests_folder().join("suites/component/refused.txt");
    if std::env::var_os("WASMAOT_BLESS").is_some() {
        std::fs::write(&path, list).expect("a file that can be written");
        return;
    }
    let known = std::fs::read_to_string(&path).expect("the list");
    assert_eq!(list, known, "what is refused is not what the list says");
}
