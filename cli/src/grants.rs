//! The options of `run` and `compile --emit exe` that grant a program access.

use clap::builder::{OsStringValueParser, TypedValueParser};
use std::ffi::{OsStr, OsString};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::ffi::OsStrExt;
use wasmaot_program::grants::{Directory, Grants, Variable};

/// Options that grant a program access.
#[derive(Debug, Default, PartialEq, clap::Args)]
pub(crate) struct GrantOpts {
    /// Directory to grant access to, and its path in the program [default: the same path]; `:ro` makes it
    /// read-only
    #[arg(long = "dir", value_name = "HOST[::GUEST][:ro]", value_parser = OsStringValueParser::new().try_map(directory))]
    directories: Vec<Directory>,

    /// Environment variable to set; the program has no others
    #[arg(long = "env", value_name = "K=V", value_parser = OsStringValueParser::new().try_map(variable))]
    environment: Vec<Variable>,

    /// Pass the whole environment to the program; `--env` adds to it
    #[arg(long)]
    inherit_env: bool,

    /// TCP address to listen at; the program gets the socket as a descriptor after those of its directories
    #[arg(long = "listen", value_name = "ADDR", value_parser = address)]
    listeners: Vec<SocketAddr>,
}

impl GrantOpts {
    /// Returns the grants.
    pub(crate) fn grants(&self) -> Grants {
        Grants {
            directories: self.directories.clone(),
            environment: self.environment.clone(),
            inherit_env: self.inherit_env,
            listeners: self.listeners.clone(),
        }
    }

    /// Adds a grant by its option, `--dir` or `--env`. Returns `None` if it is another one, or its value is
    /// wrong.
    pub(crate) fn add(&mut self, option: &OsStr, value: OsString) -> Option<()> {
        match option.as_bytes() {
            b"--dir" => self.directories.push(directory(value).ok()?),
            b"--env" => self.environment.push(variable(value).ok()?),
            _ => return None,
        }
        Some(())
    }

    /// Returns whether sockets are granted as descriptors, which components have not.
    pub(crate) fn has_listeners(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// Returns whether nothing is granted.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A value of `--dir`. The last `::` separates: a name inside is less likely to hold one. A directory whose
/// own name ends in `:ro` takes a slash behind it.
pub(crate) fn directory(text: OsString) -> Result<Directory, &'static str> {
    let bytes = text.as_bytes();
    let (bytes, read_only) = match bytes.strip_suffix(b":ro") {
        Some(rest) if !rest.ends_with(b":") => (rest, true),
        _ => (bytes, false),
    };
    let (host, guest) = match bytes.windows(2).rposition(|pair| pair == b"::") {
        Some(at) => (&bytes[..at], &bytes[at + 2..]),
        None => (bytes, bytes),
    };
    let guest = std::str::from_utf8(guest).map_err(|_| "the name inside is not UTF-8")?;
    match (host, guest) {
        (b"", "") => Err("no directory in it"),
        (b"", _) => Err("no directory in front of the `::`"),
        (_, "") => Err("no name behind the `::`"),
        _ => Ok(Directory { host: OsStr::from_bytes(host).into(), guest: guest.into(), read_only }),
    }
}

/// A value of `--env`.
pub(crate) fn variable(text: OsString) -> Result<Variable, &'static str> {
    let bytes = text.as_bytes();
    match bytes.iter().position(|&byte| byte == b'=') {
        None => Err("no `=` in it; write NAME=VALUE"),
        Some(0) => Err("no name in front of the `=`"),
        Some(at) => Ok(Variable {
            key: OsStr::from_bytes(&bytes[..at]).into(),
            value: OsStr::from_bytes(&bytes[at + 1..]).into(),
        }),
    }
}

/// A value of `--listen`. A name, such as that of this machine, is looked up here and now.
fn address(text: &str) -> Result<SocketAddr, &'static str> {
    const WRONG: &str = "not an address; write HOST:PORT, such as 127.0.0.1:8080";
    let (host, port) = text.rsplit_once(':').ok_or(WRONG)?;
    if host.is_empty() || port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(WRONG);
    }
    if port.parse::<u16>().is_err() {
        return Err("ports are 0 to 65535");
    }
    // Why a name cannot be looked up is told in many ways, none of which says more.
    text.to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or("no such host")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_and_variables_are_split() {
        let directory =
            |text: &str| directory(text.into()).map(|d| (d.host.into_os_string(), d.guest, d.read_only));
        assert_eq!(directory("a"), Ok(("a".into(), "a".into(), false)));
        assert_eq!(directory("a:b::/c"), Ok(("a:b".into(), "/c".into(), false)));
        assert_eq!(directory("a::b::/c"), Ok(("a::b".into(), "/c".into(), false)));
        assert_eq!(directory("a:ro"), Ok(("a".into(), "a".into(), true)));
        assert_eq!(directory("a::/b:ro"), Ok(("a".into(), "/b".into(), true)));
        assert_eq!(directory("a:ro/"), Ok(("a:ro/".into(), "a:ro/".into(), false)));
        assert_eq!(directory("a::ro"), Ok(("a".into(), "ro".into(), false)));
        for none in ["a::", "::b", "", ":ro", "::b:ro"] {
            assert!(self::directory(none.into()).is_err(), "{none}");
        }
        let variable = |text: &str| variable(text.into()).map(|v| (v.key, v.value));
        assert_eq!(variable("K=V=W"), Ok(("K".into(), "V=W".into())));
        assert_eq!(variable("K="), Ok(("K".into(), "".into())));
        assert!(variable("K").is_err() && variable("=V").is_err() && variable("").is_err());
    }
}
