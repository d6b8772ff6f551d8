//! The options of `run` that grant a component access to the network.

use wasmaot_wasi::p2::NetworkGrants;

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

    /// Returns an option that is given, if there is one.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let options = [(self.tcp, "--tcp"), (self.udp, "--udp"), (self.allow_dns, "--allow-dns")];
        options.into_iter().find_map(|(is_given, option)| is_given.then_some(option))
    }
}
