//! The options of `run` that grant a component access to the network.

use wasmaot_wasi::p2::NetworkGrants;
use wasmaot_wasi_http::{Authority, Client, ClientError, Outgoing};

/// Options that grant a component access to the network.
#[derive(Debug, Default, PartialEq, clap::Args)]
pub(crate) struct NetworkOpts {
    /// Let a component use TCP: connect to any address, and listen at any
    #[arg(long)]
    tcp: bool,

    /// Let a component use UDP: send to any address, and receive at any
    #[arg(long)]
    udp: bool,

    /// Let a component look up host names
    #[arg(long)]
    allow_dns: bool,

    /// Let a component send HTTP requests to this host: `NAME`, `*.DOMAIN` for the names below a domain, or
    /// `*` for all with public addresses, with `:PORT` behind it if need be
    #[arg(long = "allow-http", value_name = "HOST")]
    allow_http: Vec<Authority>,
}

impl NetworkOpts {
    /// Returns the grants.
    pub(crate) fn grants(&self) -> NetworkGrants {
        let mut grants = NetworkGrants::none();
        if self.tcp {
            grants.tcp();
        }
        if self.udp {
            grants.udp();
        }
        if self.allow_dns {
            grants.names();
        }
        grants
    }

    /// Returns the HTTP requests that may be made.
    pub(crate) fn requests(&self) -> Result<Outgoing, ClientError> {
        match &self.allow_http[..] {
            [] => Ok(Outgoing::denied()),
            allowed => Ok(Outgoing::at_most(Client::new(allowed.to_vec())?, u64::MAX)),
        }
    }

    /// Returns an option that is given, if there is one.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let options = [
            (self.tcp, "--tcp"),
            (self.udp, "--udp"),
            (self.allow_dns, "--allow-dns"),
            (!self.allow_http.is_empty(), "--allow-http"),
        ];
        options.into_iter().find_map(|(is_given, option)| is_given.then_some(option))
    }
}
