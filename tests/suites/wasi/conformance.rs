//! The conformance programs of the WASI test suite, from the folder that `WASI_TESTSUITE` names.
//!
//! Each `NAME.wasm` is a program; `NAME.json` beside it says what it is given and what must come of it, in
//! either of two forms. **Invariant: nothing is skipped in silence.** A field or an operation that is not
//! known here fails its program, and without the variable the suite says that it did not run.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use wasmaot_tests::{Ended, compile, files, parallel, report, run_program};
use wasmaot_wasi::WasiCtxBuilder;

const VARIABLE: &str = "WASI_TESTSUITE";

/// Names a part of the programs: those in whose name it occurs.
pub(crate) const PART: &str = "WASMAOT_WASI_PART";

/// What a program is given, and what must come of it.
#[derive(Debug, Default, PartialEq)]
struct Specification {
    args: Vec<String>,
    env: BTreeMap<String, String>,
    root: Option<String>,
    exit_code: i32,
    /// What a stream must hold; one that is not named is not looked at.
    stdout: Option<String>,
    stderr: Option<String>,
}

type Object = Map<String, Value>;

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("not a string: {value}"))
}

fn object(value: &Value) -> Result<&Object, String> {
    value.as_object().ok_or_else(|| format!("not an object: {value}"))
}

fn exit_code(value: &Value) -> Result<i32, String> {
    value.as_i64().and_then(|code| i32::try_from(code).ok()).ok_or_else(|| format!("no exit code: {value}"))
}

impl Specification {
    fn parse(json: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let fields = object(&value)?;
        match fields.get("operations") {
            Some(operations) => Self::of_operations(fields, operations),
            None => Self::of_fields(fields),
        }
    }

    /// The older form: one object with everything. A stream that it does not name may hold anything: some
    /// programs say there what they do.
    fn of_fields(fields: &Object) -> Result<Self, String> {
        let mut specification = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "stdout" => specification.stdout = Some(text(value)?),
                "stderr" => specification.stderr = Some(text(value)?),
                "exit_code" => specification.exit_code = exit_code(value)?,
                _ => specification.given(name, value)?,
            }
        }
        Ok(specification)
    }

    /// The newer form: a list of steps. Those that talk to a server are none of preview 1's.
    fn of_operations(fields: &Object, operations: &Value) -> Result<Self, String> {
        if let Some(name) = fields.keys().find(|name| *name != "operations") {
            return Err(format!("no support for `{name}` beside operations"));
        }
        let mut specification = Self::default();
        for operation in operations.as_array().ok_or("operations are no list")? {
            specification.operation(object(operation)?)?;
        }
        Ok(specification)
    }

    fn operation(&mut self, fields: &Object) -> Result<(), String> {
        let field = |name: &str| fields.get(name).map(text).transpose();
        let rest = || fields.iter().filter(|(name, _)| *name != "type");
        match field("type")?.as_deref() {
            Some("run") => rest().try_for_each(|(name, value)| self.given(name, value)),
            Some("wait") => {
                self.exit_code = fields.get("exit_code").map_or(Ok(0), exit_code)?;
                Ok(())
            }
            Some("read") => {
                let payload = field("payload")?.unwrap_or_default();
                match field("id")?.as_deref() {
                    None | Some("stdout") => self.stdout.get_or_insert_default().push_str(&payload),
                    Some("stderr") => self.stderr.get_or_insert_default().push_str(&payload),
                    Some(id) => return Err(format!("no stream `{id}`")),
                }
                Ok(())
            }
            other => Err(format!("no support for the operation {other:?}")),
        }
    }

    /// Takes a field that says what the program is given.
    fn given(&mut self, name: &str, value: &Value) -> Result<(), String> {
        match name {
            "args" => {
                let list = value.as_array().ok_or("args are no list")?;
                self.args = list.iter().map(text).collect::<Result<_, _>>()?;
            }
            "env" => {
                let pairs = object(value)?.iter().map(|(key, value)| Ok((key.clone(), text(value)?)));
                self.env = pairs.collect::<Result<_, String>>()?;
            }
            "root" => self.root = if value.is_null() { None } else { Some(text(value)?) },
            _ => return Err(format!("no support for the field `{name}`")),
        }
        Ok(())
    }

    fn check(&self, ended: &Ended) -> Result<(), String> {
        let streams = [("stdout", &self.stdout, &ended.stdout), ("stderr", &self.stderr, &ended.stderr)];
        for (name, expected, found) in streams {
            if expected.as_ref().is_some_and(|expected| expected.as_bytes() != found.as_slice()) {
                let found = String::from_utf8_lossy(found);
                return Err(format!("{name} is {found:?}, not {expected:?}; exit code {}", ended.status));
            }
        }
        if ended.status != self.exit_code {
            return Err(format!("exit code {}, not {}", ended.status, self.exit_code));
        }
        Ok(())
    }
}

/// Copies a folder, which may be read-only, to one that the programs may change. What earlier runs of other
/// runners left behind stays away.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a writable folder");
    for entry in fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())) {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name())).expect("a readable entry");
        let target = to.join(&name);
        if entry.is_dir() {
            copy_folder(&entry, &target);
        } else if !name.to_string_lossy().ends_with(".cleanup") {
            fs::copy(&entry, &target).unwrap_or_else(|e| panic!("{}: {e}", entry.display()));
            fs::set_permissions(&target, Permissions::from_mode(0o644)).expect("the copy is ours");
        }
    }
}

/// Runs a program in a copy of its folder.
fn run(program: &Path) -> Result<(), String> {
    let specification = match fs::read_to_string(program.with_extension("json")) {
        Ok(json) => Specification::parse(&json)?,
        Err(_) => Specification::default(),
    };
    let name = program.file_name().expect("a file").to_string_lossy().into_owned();
    let wasm = fs::read(program).map_err(|error| error.to_string())?;
    let module = wasmaot_tests::load(&compile(&wasm)).map_err(|error| error.to_string())?;
    let mut builder = WasiCtxBuilder::new();
    builder.args(std::iter::once(&name).chain(&specification.args));
    for (key, value) in &specification.env {
        builder.env(key, value);
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    if let Some(root) = &specification.root {
        let copy = scratch.path().join("root");
        copy_folder(&program.with_file_name(root), &copy);
        builder.preopen_dir(&copy, "/").map_err(|error| error.to_string())?;
    }
    specification.check(&run_program(&module, &mut builder)?)
}

/// All programs of a folder and the folders in it, sorted.
fn programs(folder: &Path) -> Vec<PathBuf> {
    let mut found = files(folder, "wasm");
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            found.extend(programs(&path));
        }
    }
    found.sort();
    found
}

#[test]
fn conformance_programs_pass() {
    let Some(folder) = std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
        report(format_args!("wasi: conformance programs skipped: {VARIABLE} does not name their folder"));
        return;
    };
    let folder = PathBuf::from(folder);
    let part = std::env::var(PART).unwrap_or_default();
    let is_part =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains(&part));
    let programs: Vec<PathBuf> = programs(&folder).into_iter().filter(is_part).collect();
    assert!(!programs.is_empty(), "{VARIABLE}: no programs in {}", folder.display());
    let results = parallel(&programs, |program| run(program));
    let failures: Vec<String> = programs
        .iter()
        .zip(results)
        .filter_map(|(program, result)| {
            let name = program.strip_prefix(&folder).unwrap_or(program);
            result.err().map(|error| format!("{}: {error}", name.display()))
        })
        .collect();
    for failure in &failures {
        report(format_args!("wasi: FAILED: {failure}"));
    }
    let passed = programs.len() - failures.len();
    report(format_args!("wasi: {passed} of {} conformance programs passed", programs.len()));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn both_forms_of_a_specification_are_read() {
    let older =
        r#"{"args": ["a"], "env": {"K": "V"}, "root": "r", "exit_code": 3, "stdout": "out", "stderr": ""}"#;
    let newer = r#"{"operations": [
        {"type": "run", "args": ["a"], "env": {"K": "V"}, "root": "r"},
        {"type": "read", "payload": "o"}, {"type": "read", "id": "stdout", "payload": "ut"},
        {"type": "read", "id": "stderr"},
        {"type": "wait", "exit_code": 3}]}"#;
    let expected = Specification {
        args: vec!["a".into()],
        env: BTreeMap::from([("K".into(), "V".into())]),
        root: Some("r".into()),
        exit_code: 3,
        stdout: Some("out".into()),
        stderr: Some(String::new()),
    };
    assert_eq!(Specification::parse(older).as_ref(), Ok(&expected));
    assert_eq!(Specification::parse(newer).as_ref(), Ok(&expected));
    let ended = Ended { status: 3, stdout: b"out".to_vec(), stderr: Vec::new() };
    assert_eq!(expected.check(&ended), Ok(()));
    for wrong in [
        Ended { status: 0, stdout: b"out".to_vec(), stderr: Vec::new() },
        Ended { status: 3, stdout: b"ou".to_vec(), stderr: Vec::new() },
        Ended { status: 3, stdout: b"out".to_vec(), stderr: b"!".to_vec() },
    ] {
        assert!(expected.check(&wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn what_is_not_known_is_refused() {
    for json in [
        "[]",
        r#"{"argv": []}"#,
        r#"{"args": [1]}"#,
        r#"{"exit_code": "0"}"#,
        r#"{"proposals": ["http"], "operations": []}"#,
        r#"{"operations": [{"type": "connect"}]}"#,
        r#"{"operations": [{"type": "read", "id": "server"}]}"#,
    ] {
        assert!(Specification::parse(json).is_err(), "{json}");
    }
}
