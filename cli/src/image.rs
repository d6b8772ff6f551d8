//! `wasmaot image`: OCI images and Wasm artifacts of what `compile` has made.
//!
//! **Invariant: the same inputs, options and version give the same bytes.** No container engine, network or
//! clock has a part in it; `$SOURCE_DATE_EPOCH` is the image's time.

mod app;
mod provenance;
mod sbom;

use crate::error::CliError;
use crate::output::{self, Kind as Purpose};
use crate::preinit::source_date_epoch;
use crate::sign;
use crate::text::Bytes;
use app::App;
use base64ct::{Base64, Encoding};
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::path::PathBuf;
use wasmaot_image::{Container, Layout, Reference, Statement, signature_payload};
use wasmaot_program::report;
use wasmaot_signature::{SIGNATURE, SecretKey};

/// Make an OCI image, without a container engine
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Executable of `compile --emit exe`, or artifact of a component that answers HTTP requests; for a
    /// volume any artifact, for a Wasm artifact the module
    #[arg(value_name = "APP")]
    app: PathBuf,

    /// Name of the image
    #[arg(short, long, value_name = "NAME[:TAG]")]
    tag: Reference,

    /// File to write; `-` for standard output
    #[arg(short, value_name = "FILE")]
    output: PathBuf,

    /// What to make
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Kind::Container)]
    kind: Kind,

    /// Shared object of the module, for a Wasm artifact; once for each CPU level
    #[arg(long, value_name = "FILE")]
    precompiled: Vec<PathBuf>,

    /// Label of the image
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,

    /// User, and group, that the program runs as, in numbers [default: 65532:65532]
    #[arg(long, value_name = "UID[:GID]", value_parser = user)]
    user: Option<String>,

    /// Sign the image with this private key, in PEM (see `wasmaot keygen`)
    #[arg(long, value_name = "KEY")]
    key: Option<PathBuf>,

    /// Leave SBOM and provenance out
    #[arg(long)]
    no_statements: bool,

    /// Print no summary
    #[arg(long)]
    quiet: bool,
}

/// Values of `--kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// An image that runs an executable, or serves a component at the ports 8080 and, for metrics, 9090
    Container,
    /// An image that only carries an artifact, for image volumes of Kubernetes
    Volume,
    /// A Wasm artifact: the module itself, for registries and any runtime
    Wasm,
}

const EXAMPLES: &str = "\
Examples:
  wasmaot compile app.wasm --emit exe
  wasmaot image app -t example.org/app:1 -o image.tar        an image with one file, /app

  docker load < image.tar
  ctr images import image.tar
  skopeo copy oci-archive:image.tar:1 docker://example.org/app:1

  wasmaot image hello.so -t example.org/hello:1 -o image.tar  /wasmaot serve with the component: arguments of the container follow
  wasmaot image app.so -t example.org/app-so:1 --kind volume -o volume.tar
  wasmaot image app.wasm -t example.org/app-wasm:1 --kind wasm --precompiled app.so -o wasm.tar

The file is an OCI image layout and a docker archive at once. It does not depend on the machine or the time: files are dated $SOURCE_DATE_EPOCH, or
1970. Access that the program was granted by `compile` refers to directories of the container: mount volumes there.";

impl Opts {
    /// Makes the image, and returns the exit status.
    pub(crate) fn run(&self) -> Result<i32, CliError> {
        let created = source_date_epoch()?;
        if self.kind != Kind::Wasm && !self.precompiled.is_empty() {
            return Err(CliError::PrecompiledWithoutWasm);
        }
        let mut layout = match self.kind {
            Kind::Wasm => self.wasm(created)?,
            Kind::Container | Kind::Volume => self.container(created)?,
        };
        if let Some(path) = &self.key {
            let payload = signature_payload(&self.tag, &layout.digest());
            let signature = base64(&sign::key(path, SecretKey::from_pem)?.sign(&payload));
            layout.add_signature(payload, &signature);
        }
        let digest = layout.digest();
        let bytes = layout.into_tar().map_err(CliError::Image)?;
        match self.output.as_os_str() == "-" {
            true => output::print(&bytes)?,
            false => output::write_file(&self.output, &bytes, Purpose::Data)?,
        }
        if !self.quiet {
            let size = Bytes(bytes.len() as u64);
            report::note(&format!("{}@{digest} -> {} ({size})", self.tag, self.output.display()));
        }
        Ok(0)
    }

    /// An image of an executable, or of an artifact.
    fn container(&self, created: u64) -> Result<Layout, CliError> {
        let app = match self.kind {
            Kind::Container => App::program(&self.app)?,
            _ => App::artifact(&self.app)?,
        };
        let mut labels = self.labels(&app.name);
        labels.extend(app.module().map(|digest| ("io.wasmaot.module".into(), format!("sha256:{digest}"))));
        let container = Container {
            entrypoint: app.entrypoint(),
            ports: app.ports.clone(),
            entries: app.entries(),
            labels,
            created,
            ..Container::default()
        };
        let container = match &self.user {
            Some(user) => Container { user: user.clone(), ..container },
            None => container,
        };
        let statements = match self.no_statements {
            true => Vec::new(),
            false => vec![
                Statement {
                    predicate_type: "https://spdx.dev/Document".into(),
                    predicate: sbom::document(&self.tag, &app, created),
                },
                Statement {
                    predicate_type: "https://slsa.dev/provenance/v1".into(),
                    predicate: provenance::predicate(&app, &container),
                },
            ],
        };
        Layout::container(&container, &self.tag, &statements).map_err(CliError::Image)
    }

    fn wasm(&self, created: u64) -> Result<Layout, CliError> {
        let mut artifact = app::wasm(&self.app, &self.precompiled)?;
        artifact.labels = self.labels(&app::file_name(&self.app)?);
        artifact.created = created;
        Ok(Layout::wasm(&artifact, &self.tag))
    }

    /// The labels that are asked for, and a title.
    fn labels(&self, title: &str) -> BTreeMap<String, String> {
        let title = [("org.opencontainers.image.title".to_string(), title.to_string())];
        title.into_iter().chain(self.labels.iter().cloned()).collect()
    }
}

fn base64(signature: &[u8; SIGNATURE]) -> String {
    let mut buffer = [0; SIGNATURE.div_ceil(3) * 4];
    Base64::encode(signature, &mut buffer).expect("it has the length of the text").into()
}

/// A value of `--label`.
fn label(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        Some(_) => Err("no name in front of the `=`"),
        None => Err("no `=` in it; write NAME=VALUE"),
    }
}

/// A value of `--user`.
fn user(text: &str) -> Result<String, &'static str> {
    let is_number =
        |part: &str| part.parse::<u32>().is_ok() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split(':').count() <= 2 && text.split(':').all(is_number) {
        true => Ok(text.into()),
        false => Err("not numbers; an image has no file of users: write UID or UID:GID, such as 65532:65532"),
    }
}
