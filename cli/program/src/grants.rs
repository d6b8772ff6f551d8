//! What a program is given besides its arguments and the standard streams: nothing that is not stated here.
//!
//! The encoded form, which an executable carries, is written and read by the commands and runners of one
//! version only.

use crate::limits::WasiLimits;
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use wasmaot_abi::wire::{Decode, DecodeError, Encode, Reader, Writer};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder, WasiError};

/// What a program is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Directories, in the order of their descriptors.
    pub directories: Vec<Directory>,
    /// Variables of its environment.
    pub environment: Vec<Variable>,
    /// Whether it gets the variables of this process too, where `environment` has none of the same name.
    pub inherit_env: bool,
    /// TCP addresses that it gets a listening socket for, each.
    pub listeners: Vec<SocketAddr>,
}

/// A directory and what the program may do there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Path on the host; a relative path is resolved against the working directory.
    pub host: PathBuf,
    /// Path that the guest sees.
    pub guest: String,
    /// Whether the directory is read-only.
    pub read_only: bool,
}

/// A variable of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name, without `=`.
    pub key: OsString,
    /// Value of the variable.
    pub value: OsString,
}

impl Grants {
    /// The context of a program with this name, these arguments and these limits, which has the standard
    /// streams of the process.
    ///
    /// # Errors
    /// [`WasiError`] for a directory that cannot be opened, or an address that cannot be listened at.
    pub fn context(
        &self,
        name: &OsStr,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        limits: WasiLimits,
    ) -> Result<WasiCtx, WasiError> {
        let mut builder = WasiCtxBuilder::new();
        builder.max_descriptors(limits.descriptors).inherit_stdio().args([name]).args(arguments);
        if let Some(bytes) = limits.transfer {
            builder.max_transfer(bytes);
        }
        if self.inherit_env {
            // A program finds the first of two variables of one name.
            let given = |name: &OsStr| self.environment.iter().any(|variable| variable.key == name);
            for (name, value) in std::env::vars_os().filter(|(name, _)| !given(name)) {
                builder.env(name, value);
            }
        }
        for Variable { key, value } in &self.environment {
            builder.env(key, value);
        }
        for Directory { host, guest, read_only } in &self.directories {
            match read_only {
                true => builder.preopen_dir_read_only(host, guest)?,
                false => builder.preopen_dir(host, guest)?,
            };
        }
        for &address in &self.listeners {
            builder.listen(address)?;
        }
        Ok(builder.build())
    }
}

impl Encode for Grants {
    fn encode(&self, w: &mut Writer) {
        self.directories.encode(w);
        self.environment.encode(w);
        self.inherit_env.encode(w);
        let listeners: Vec<_> = self.listeners.iter().map(SocketAddr::to_string).collect();
        listeners.encode(w);
    }
}

impl Decode for Grants {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            directories: Vec::decode(r)?,
            environment: Vec::decode(r)?,
            inherit_env: bool::decode(r)?,
            listeners: listeners(r)?,
        })
    }
}

impl Encode for Directory {
    fn encode(&self, w: &mut Writer) {
        encode_os(self.host.as_os_str(), w);
        self.guest.encode(w);
        self.read_only.encode(w);
    }
}

impl Decode for Directory {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { host: decode_os(r)?.into(), guest: String::decode(r)?, read_only: bool::decode(r)? })
    }
}

impl Encode for Variable {
    fn encode(&self, w: &mut Writer) {
        encode_os(&self.key, w);
        encode_os(&self.value, w);
    }
}

impl Decode for Variable {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { key: decode_os(r)?, value: decode_os(r)? })
    }
}

fn encode_os(text: &OsStr, w: &mut Writer) {
    (text.len() as u32).encode(w);
    w.raw(text.as_bytes());
}

fn decode_os(r: &mut Reader<'_>) -> Result<OsString, DecodeError> {
    let length = u32::decode(r)?;
    Ok(OsString::from_vec(r.raw(length as usize, "a string")?.to_vec()))
}

fn listeners(r: &mut Reader<'_>) -> Result<Vec<SocketAddr>, DecodeError> {
    let texts = Vec::<String>::decode(r)?;
    texts.iter().map(|text| text.parse().map_err(|_| r.invalid("socket addresses"))).collect()
}
