//! What a server is told: by options, or by a file.
//!
//! **Invariant: a key that is not known is an error**, so that no limit is left out by a misspelling.

use crate::error::ServeError;
use serde::de::{Deserialize, Deserializer, Error as _};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wasmaot_program::units;
use wasmaot_wasi_http::Authority;

/// What a server is told.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The process.
    #[serde(default)]
    pub server: Server,
    /// The applications.
    #[serde(default, rename = "application")]
    pub applications: Vec<Application>,
}

/// What concerns the whole process.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Server {
    /// Where to listen. Not used if systemd passes sockets.
    pub listen: Vec<SocketAddr>,
    /// Where metrics and the state of the server can be asked for.
    pub metrics: Option<SocketAddr>,
    /// Threads, each with an executor of its own; as many as there are CPUs if 0.
    pub threads: usize,
    /// Certificate and key, if connections are encrypted.
    pub tls: Option<Tls>,
    /// How long requests may take that run when the server is to end.
    pub drain: Time,
    /// How long a client may take to send the headers of a request, and its next request.
    pub header_timeout: Time,
    /// How long a client may take to accept the next bytes.
    pub write_timeout: Time,
    /// Connections at a time.
    pub max_connections: usize,
    /// Bytes of the headers of a request.
    pub max_headers: Size,
    /// The file that gets a record of each request; `-` for standard output.
    pub usage: Option<PathBuf>,
}

/// The files of TLS, in PEM.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tls {
    /// The chain of certificates.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            metrics: None,
            threads: 0,
            tls: None,
            drain: Time(Duration::from_secs(30)),
            header_timeout: Time(Duration::from_secs(30)),
            write_timeout: Time(Duration::from_secs(30)),
            max_connections: 10_000,
            max_headers: Size(64 << 10),
            usage: None,
        }
    }
}

/// An application: a component, who gets to it, and what each of its requests may take.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Application {
    /// Its name in records, metrics and logs.
    pub name: String,
    /// The artifact, or the component to compile.
    pub file: PathBuf,
    /// The hosts that it answers for; any if there is none.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The beginning of the paths that it answers for: whole segments of them.
    #[serde(default = "root")]
    pub path: String,
    /// Its limits.
    #[serde(flatten)]
    pub limits: Limits,
    /// Hosts that it may send requests to.
    #[serde(default, deserialize_with = "authorities")]
    pub allow_http: Vec<Authority>,
    /// Its environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

fn root() -> String {
    "/".to_string()
}

/// What each request may take, and all of an application.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Limits {
    /// Requests at a time, which is the number of slots in the application's pool.
    pub concurrency: u32,
    /// How long a request may take.
    pub timeout: Time,
    /// CPU time that a request may take.
    pub cpu_time: Option<Time>,
    /// Fuel of a request. The code must count it.
    pub fuel: Option<u64>,
    /// Bytes of each memory.
    pub max_memory: Size,
    /// Bytes of the request's body.
    pub max_request_body: Size,
    /// Bytes of the response's body.
    pub max_response_body: Size,
    /// Requests that a request may make.
    pub max_outgoing: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 128,
            timeout: Time(Duration::from_secs(30)),
            cpu_time: None,
            fuel: None,
            max_memory: Size(256 << 20),
            max_request_body: Size(16 << 20),
            max_response_body: Size(1 << 30),
            max_outgoing: 16,
        }
    }
}

/// A time, written like `500ms`, `2.5s`, `10m` or `1h`; a number is in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub Duration);

/// A number of bytes, which may have K, M or G behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

/// A value that is a number or text.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Text(String),
}

impl Written {
    fn text(self) -> String {
        match self {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text,
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Written::deserialize(deserializer)?.text();
        units::duration(&text).map(Time).map_err(|why| D::Error::custom(format!("`{text}`: {why}")))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Written::deserialize(deserializer)?.text();
        units::size(&text).map(Size).map_err(|why| D::Error::custom(format!("`{text}`: {why}")))
    }
}

fn authorities<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Authority>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

impl Application {
    /// Returns an application that answers for everything, with the default limits.
    pub fn new(file: PathBuf) -> Self {
        let name = file.file_stem().map_or_else(|| "app".into(), |stem| stem.to_string_lossy());
        Self {
            name: name.into_owned(),
            file,
            hosts: Vec::new(),
            path: root(),
            limits: Limits::default(),
            allow_http: Vec::new(),
            env: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Reads a file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// It cannot be read, or says something that is not known or does not fit together.
    pub fn read(path: &Path) -> Result<Self, ServeError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ServeError::Read { path: path.to_path_buf(), source })?;
        let wrong = |source| ServeError::Config { path: path.to_path_buf(), source: Box::new(source) };
        let mut config: Self = toml::from_str(&text).map_err(wrong)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut paths: Vec<&mut PathBuf> = config.applications.iter_mut().map(|app| &mut app.file).collect();
        if let Some(tls) = &mut config.server.tls {
            paths.extend([&mut tls.certificate, &mut tls.key]);
        }
        paths.extend(config.server.usage.as_mut().filter(|usage| usage.as_os_str() != "-"));
        paths.into_iter().for_each(|path| *path = folder.join(&*path));
        config.check()?;
        Ok(config)
    }

    /// Checks what does not fit together.
    ///
    /// # Errors
    /// There is no application, two have one name or answer for the same, or a path does not begin with `/`.
    pub fn check(&self) -> Result<(), ServeError> {
        if self.applications.is_empty() {
            return Err(ServeError::NoApplication);
        }
        for (index, app) in self.applications.iter().enumerate() {
            if !app.path.starts_with('/') {
                return Err(ServeError::Path { name: app.name.clone(), path: app.path.clone() });
            }
            for other in &self.applications[..index] {
                let is_shared = |host: &String| other.hosts.contains(host);
                let same_hosts =
                    (app.hosts.is_empty() && other.hosts.is_empty()) || app.hosts.iter().any(is_shared);
                let is_same_path = app.path.trim_end_matches('/') == other.path.trim_end_matches('/');
                if app.name == other.name || (same_hosts && is_same_path) {
                    let (first, second) = (other.name.clone(), app.name.clone());
                    return Err(ServeError::SameApplication { first, second });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn a_file_says_everything() {
        let config = parsed(
            r#"
            [server]
            listen = ["127.0.0.1:8080", "[::1]:8080"]
            metrics = "127.0.0.1:9090"
            drain = "5s"
            max-headers = "16K"

            [[application]]
            name = "hello"
            file = "hello.so"
            hosts = ["example.com"]
            path = "/hello"
            timeout = "250ms"
            cpu-time = 1
            fuel = 1000
            max-memory = "64M"
            concurrency = 3
            allow-http = ["*.example.com:443"]
            env = { LANG = "C" }

            [[application]]
            name = "other"
            file = "other.so"
            "#,
        )
        .expect("it is right");
        assert_eq!(config.server.listen.len(), 2);
        assert_eq!(config.server.drain, Time(Duration::from_secs(5)));
        assert_eq!(config.server.max_headers, Size(16 << 10));
        let [hello, other] = &config.applications[..] else { panic!("there are two") };
        assert_eq!(hello.limits.timeout, Time(Duration::from_millis(250)));
        assert_eq!(hello.limits.cpu_time, Some(Time(Duration::from_secs(1))));
        assert_eq!((hello.limits.fuel, hello.limits.concurrency), (Some(1000), 3));
        assert_eq!(hello.limits.max_memory, Size(64 << 20));
        assert_eq!(hello.env["LANG"], "C");
        assert_eq!((&*other.path, other.limits.concurrency), ("/", 128));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let app = "[[application]]\nname = \"a\"\nfile = \"a.so\"\n";
        for (text, expected) in [
            (String::new(), "no application"),
            (format!("{app}timeot = \"1s\"\n"), "timeot"),
            ("[server]\nlisten = \"127.0.0.1:80\"\n".to_string(), "listen"),
            (format!("{app}timeout = \"1d\"\n"), "not a time"),
            (format!("{app}max-memory = \"1T\"\n"), "not a size"),
            (format!("{app}allow-http = [\"http://a\"]\n"), "no host"),
            (format!("{app}path = \"x\"\n"), "`x`"),
            (format!("{app}{app}"), "`a`"),
        ] {
            let error = parsed(&text).expect_err(&text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
