//! `wasmaot image`: images that engines take, and inputs that are refused.

use crate::support::{ECHO, Place, Run, finish, repository};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

/// The files of an archive, by path.
fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().expect("an archive").map(|entry| entry.expect("an entry"));
    entries
        .map(|mut entry| {
            let path = entry.path().expect("a path").to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("its content");
            (path, bytes)
        })
        .collect()
}

/// An image that the command has made.
struct Image(BTreeMap<String, Vec<u8>>);

impl Image {
    fn read(path: &Path) -> Self {
        Self(files(&std::fs::read(path).expect("the image")))
    }

    fn blob(&self, descriptor: &Value) -> &[u8] {
        &self.0[&descriptor["digest"].as_str().expect("a digest").replace("sha256:", "blobs/sha256/")]
    }

    fn json(&self, descriptor: &Value) -> Value {
        serde_json::from_slice(self.blob(descriptor)).expect("JSON")
    }

    /// The descriptors in `index.json`.
    fn named(&self) -> Vec<Value> {
        let index: Value = serde_json::from_slice(&self.0["index.json"]).expect("JSON");
        index["manifests"].as_array().expect("manifests").clone()
    }
}

/// Makes an image of [`ECHO`] in `image.tar`.
fn image(place: &Place, options: &[&str]) -> Image {
    place.executable("echo", ECHO, &[]);
    place
        .run(
            &[&["image", "echo", "-t", "example.org/echo:1", "-o", "image.tar", "--quiet"], options].concat(),
        )
        .status(0)
        .silent();
    Image::read(&place.path("image.tar"))
}

#[test]
fn an_image_has_the_program_and_what_is_known_of_it() {
    let place = Place::new();
    let image = image(&place, &["--label", "a=b=c", "--user", "7:8"]);
    let [named] = &image.named()[..] else { panic!("one image") };
    let index = image.json(named);
    let [manifest, attested] = [0, 1].map(|at| image.json(&index["manifests"][at]));
    let config = image.json(&manifest["config"]);
    assert_eq!(config["config"]["Entrypoint"], serde_json::json!(["/echo"]));
    assert_eq!(config["config"]["User"], "7:8");
    assert_eq!(config["config"]["Labels"]["a"], "b=c");
    assert_eq!(config["created"], "1970-01-01T00:00:00Z");
    let layer = files(image.blob(&manifest["layers"][0]));
    assert_eq!(layer, [("echo".into(), std::fs::read(place.path("echo")).expect("the program"))].into());
    let [sbom, provenance] = [0, 1].map(|at| image.json(&attested["layers"][at])["predicate"].clone());
    let packages = sbom["packages"].as_array().expect("packages");
    let has = |name: &str| packages.iter().any(|package| package["name"] == name);
    assert!(has("echo") && has("module") && has("wasmaot-runtime") && has("rustix"), "{sbom:#}");
    assert!(!has("cranelift-codegen") && !has("clap"), "the runner has no compiler: {sbom:#}");
    let ids: std::collections::BTreeSet<_> =
        packages.iter().map(|package| &package["SPDXID"]).map(Value::to_string).collect();
    assert_eq!(ids.len(), packages.len(), "identifiers are unique");
    let module = &provenance["buildDefinition"]["resolvedDependencies"][0];
    let label = &config["config"]["Labels"]["io.wasmaot.module"];
    assert_eq!(label, &format!("sha256:{}", module["digest"]["sha256"].as_str().expect("digits")));
    assert_eq!(module["annotations"]["cpu"], "x86-64-v2");
}

#[test]
fn images_do_not_depend_on_place_or_time() {
    let (one, other) = (Place::new(), Place::new());
    image(&one, &[]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    image(&other, &[]);
    let [first, second] =
        [&one, &other].map(|place| std::fs::read(place.path("image.tar")).expect("an image"));
    assert!(first == second);
    // The time can be stated.
    let mut command = one.command(&["image", "echo", "-t", "echo", "-o", "dated.tar"]);
    let run = finish({
        command.env("SOURCE_DATE_EPOCH", "1795651200");
        command
    });
    run.status(0).stderr_has(&["docker.io/library/echo:latest@sha256:", "-> dated.tar ("]);
    let dated = Image::read(&one.path("dated.tar"));
    let index = dated.json(&dated.named()[0]);
    let config = dated.json(&dated.json(&index["manifests"][0])["config"]);
    assert_eq!(config["created"], "2026-11-26T00:00:00Z");
    let bytes = std::fs::read(one.path("dated.tar")).expect("an image");
    let mut archive = tar::Archive::new(&bytes[..]);
    let times =
        archive.entries().expect("entries").map(|e| e.expect("an entry").header().mtime().expect("a time"));
    assert!(times.collect::<Vec<_>>().iter().all(|time| *time == 1_795_651_200));
}

#[test]
fn signatures_are_cosigns() {
    let place = Place::new();
    place.run(&["keygen", "key.pem"]).status(0);
    let image = image(&place, &["--key", "key.pem", "--no-statements"]);
    let [named, signature] = &image.named()[..] else { panic!("an image and a signature") };
    let layer = &image.json(signature)["layers"][0];
    let payload = image.blob(layer);
    let digest = named["digest"].as_str().expect("a digest");
    assert!(String::from_utf8_lossy(payload).contains(digest));
    // Checked by another implementation.
    if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no openssl");
        return;
    }
    place.file("payload", payload);
    let text = layer["annotations"]["dev.cosignproject.cosign/signature"].as_str().expect("a signature");
    place.file("signature.txt", format!("{text}\n"));
    let openssl = |arguments: &[&str]| {
        let run = finish(place.started(Path::new("openssl"), arguments));
        run.status(0)
    };
    openssl(&["base64", "-d", "-A", "-in", "signature.txt", "-out", "signature"]);
    let check =
        ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pem.pub", "-in", "payload", "-sigfile"];
    openssl(&[&check[..], &["signature"]].concat());
}

#[test]
fn a_component_is_served_by_the_command_itself() {
    let place = Place::new();
    let handler = repository("cli/tests/http/handler.wat");
    place.run(&["compile", handler.to_str().expect("UTF-8"), "-o", "handler.so", "--quiet"]).status(0);
    place.run(&["image", "handler.so", "-t", "handler", "-o", "handler.tar", "--quiet"]).status(0).silent();
    let image = Image::read(&place.path("handler.tar"));
    let index = image.json(&image.named()[0]);
    let [manifest, attested] = [0, 1].map(|at| image.json(&index["manifests"][at]));
    let config = image.json(&manifest["config"]);
    let entrypoint = config["config"]["Entrypoint"].as_array().expect("a command line");
    assert_eq!((&entrypoint[0], &entrypoint[1]), (&"/wasmaot".into(), &"serve".into()));
    assert_eq!(entrypoint.last(), Some(&"/handler.so".into()));
    let layer = files(image.blob(&manifest["layers"][0]));
    assert_eq!(layer.keys().collect::<Vec<_>>(), ["handler.so", "wasmaot"]);
    assert!(layer["wasmaot"] == std::fs::read(env!("CARGO_BIN_EXE_wasmaot")).expect("this command"));
    let sbom = image.json(&attested["layers"][0])["predicate"].clone();
    assert_eq!(sbom["packages"][2]["name"], "wasmaot");
    // The command line of the image is one that the command takes, with options behind it.
    let arguments: Vec<_> =
        entrypoint[1..entrypoint.len() - 1].iter().map(|word| word.as_str().expect("text")).collect();
    let check = [
        "handler.so",
        "--concurrency",
        "64",
        "--max-memory",
        "8M",
        "--timeout",
        "10s",
        "--drain",
        "15s",
        "--log",
        "json",
        "--check",
    ];
    place.run(&[&arguments[..], &check].concat()).status(0);
}

#[test]
fn a_volume_carries_an_artifact() {
    let place = Place::new();
    place.artifact("echo", ECHO);
    place
        .run(&[
            "image",
            "echo.so",
            "-t",
            "echo",
            "--kind",
            "volume",
            "--no-statements",
            "-o",
            "v.tar",
            "--quiet",
        ])
        .status(0)
        .silent();
    let image = Image::read(&place.path("v.tar"));
    let manifest = image.json(&image.named()[0]);
    assert!(image.json(&manifest["config"])["config"].get("Entrypoint").is_none());
    let layer = files(image.blob(&manifest["layers"][0]));
    assert_eq!(layer, [("echo.so".into(), std::fs::read(place.path("echo.so")).expect("it"))].into());
}

#[test]
fn a_wasm_artifact_has_the_module_and_what_was_compiled_from_it() {
    let place = Place::new();
    place.artifact("echo", ECHO);
    place.run(&["compile", "echo.wat", "--target-cpu", "x86-64-v3", "-o", "v3.so", "--quiet"]).status(0);
    let make = |objects: &[&str]| {
        let options = ["image", "echo.wat", "-t", "echo:1", "--kind", "wasm", "-o", "wasm.tar", "--quiet"];
        place.run(&[&options[..], objects].concat())
    };
    make(&["--precompiled", "echo.so", "--precompiled", "v3.so"]).status(0).silent();
    let image = Image::read(&place.path("wasm.tar"));
    let manifest = image.json(&image.named()[0]);
    assert!(image.blob(&manifest["layers"][0]).starts_with(b"\0asm"));
    let cpus = [1, 2].map(|at| manifest["layers"][at]["annotations"]["io.wasmaot.cpu"].clone());
    assert_eq!(cpus, ["x86-64-v2", "x86-64-v3"]);
    make(&["--precompiled", "echo.so", "--precompiled", "echo.so"])
        .status(1)
        .stderr_has(&["`echo.so` is for x86-64-v2"]);
    place.artifact("other", "(module)");
    make(&["--precompiled", "other.so"])
        .status(1)
        .stderr_has(&["`other.so` was not compiled from `echo.wat`"]);
    place.file(
        "component.wat",
        r#"(component (import "a" (func)) (core module (import "b" "c" (func))) (instance (export "d")))"#,
    );
    place
        .run(&["image", "component.wat", "-t", "c", "--kind", "wasm", "-o", "c.tar", "--quiet"])
        .status(0)
        .silent();
    let image = Image::read(&place.path("c.tar"));
    let config = image.json(&image.json(&image.named()[0])["config"]);
    assert_eq!(
        (&config["os"], &config["component"]["imports"]),
        (&"wasip2".into(), &serde_json::json!(["a"]))
    );
}

#[test]
fn what_is_no_program_is_refused_with_what_to_do() {
    let place = Place::new();
    place.executable("echo", ECHO, &[]);
    place.artifact("echo", ECHO);
    place.file("text", "x");
    let program = std::fs::read(place.path("echo")).expect("the program");
    place.file("cut", &program[..program.len() - 1]);
    let mut damaged = std::fs::read(place.path("echo.so")).expect("the artifact");
    damaged[5000] ^= 1;
    place.file("damaged.so", damaged);
    let refused = |arguments: &[&str], parts: &[&str]| {
        place.run(&[&["image", "-t", "a", "-o", "out.tar"], arguments].concat()).status(1).stderr_has(parts);
        assert!(!place.path("out.tar").exists());
    };
    refused(&["echo.wat"], &["`echo.wat` is a module", "hint: `wasmaot compile --emit exe echo.wat`"]);
    refused(&["echo.so"], &["`echo.so` is an artifact", "`--emit exe`", "`--kind volume`"]);
    refused(&["cut"], &["`cut` is a program that `wasmaot compile` has not made", "hint:"]);
    refused(&["/bin/true"], &["`/bin/true` is a program", "hint:"]);
    refused(&["none"], &["cannot read `none`"]);
    refused(&["echo", "--kind", "volume"], &["`echo` is a standalone executable"]);
    refused(&["damaged.so", "--kind", "volume"], &["`damaged.so` is damaged"]);
    refused(&["echo", "--kind", "wasm"], &["`echo` is an ELF file"]);
    refused(&["text", "--kind", "wasm"], &["`text` is not a WebAssembly module"]);
    refused(&["echo", "--precompiled", "echo.so"], &["`--precompiled` is for `--kind wasm`"]);
    refused(&["echo", "--key", "text"], &["`text` is not a key"]);
    for (arguments, part) in [
        (["-t", "App"], "`App` is no part of a repository"),
        (["-t", "a@sha256:0"], "a digest is no part of it"),
        (["--label", "a"], "write NAME=VALUE"),
        (["--user", "root"], "such as 65532:65532"),
    ] {
        let tag: &[&str] = if arguments[0] == "-t" { &[] } else { &["-t", "a"] };
        place
            .run(&[&["image", "echo", "-o", "out.tar"], tag, &arguments].concat())
            .status(2)
            .stderr_has(&[part]);
    }
}

/// Whether a tool can be used; says why not.
fn has(tool: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(tool);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let works = command.status().is_ok_and(|status| status.success());
    if !works {
        println!("skipped: `{tool} {}` does not work here", arguments.join(" "));
    }
    works
}

#[test]
fn skopeo_takes_the_image_in_both_forms() {
    if !has("skopeo", &["--version"]) {
        return;
    }
    let place = Place::new();
    image(&place, &[]);
    for (form, target) in [("oci-archive:image.tar:1", "dir:oci"), ("docker-archive:image.tar", "dir:docker")]
    {
        let copy =
            ["copy", "--insecure-policy", "--override-arch", "amd64", "--override-os", "linux", form, target];
        let run = finish(place.started(Path::new("skopeo"), &copy));
        run.status(0);
    }
}

#[test]
fn docker_loads_the_image_and_runs_it() {
    if !has("docker", &["info"]) {
        return;
    }
    let place = Place::new();
    let name = format!("wasmaot-test-echo:{}", std::process::id());
    place.executable("echo", ECHO, &[]);
    place.run(&["image", "echo", "-t", &name, "-o", "image.tar", "--quiet"]).status(0).silent();
    let docker = |arguments: &[&str]| {
        let mut command = Command::new("docker");
        command.args(arguments).current_dir(place.path("")).stdin(Stdio::null());
        finish(command)
    };
    docker(&["load", "--quiet", "--input", "image.tar"]).status(0);
    let runs: Vec<Run> = [&["a"][..], &["a", "b"]]
        .map(|arguments| {
            docker(&[&["run", "--rm", "--network", "none", "--read-only", &name], arguments].concat())
        })
        .into();
    let config = docker(&["image", "inspect", "--format", "{{.Config.User}} {{.Architecture}}", &name]);
    docker(&["image", "rm", "--force", &name]).status(0);
    config.status(0).stdout("65532:65532 amd64\n");
    let [one, two] = <[Run; 2]>::try_from(runs).expect("two runs");
    one.status(2).stdout("echo\0a\0");
    two.status(3).stdout("echo\0a\0b\0");
}

#[test]
fn an_image_of_nop_is_small() {
    let place = Place::new();
    let nop = repository("benchmarks/programs/nop.wasm");
    place.run(&["compile", nop.to_str().expect("UTF-8"), "--emit", "exe", "-o", "nop", "--quiet"]).status(0);
    place.run(&["image", "nop", "-t", "nop", "-o", "nop.tar", "--quiet"]).status(0).silent();
    let bytes = std::fs::metadata(place.path("nop.tar")).expect("an image").len();
    assert!(bytes <= 5 << 20, "{bytes} bytes");
}
