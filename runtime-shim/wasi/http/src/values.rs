//! Methods and schemes, as the crate `http` and as guests have them.

use http::Method;
use http::uri::Scheme;
use wasmaot_component::variant;

variant! {
    /// `wasi:http/types.method`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) enum GuestMethod {
        Get = "get",
        Head = "head",
        Post = "post",
        Put = "put",
        Delete = "delete",
        Connect = "connect",
        Options = "options",
        Trace = "trace",
        Patch = "patch",
        Other(String) = "other",
    }
}

variant! {
    /// `wasi:http/types.scheme`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) enum GuestScheme {
        Http = "HTTP",
        Https = "HTTPS",
        Other(String) = "other",
    }
}

/// The methods that have a case of their own.
const METHODS: [(GuestMethod, Method); 9] = [
    (GuestMethod::Get, Method::GET),
    (GuestMethod::Head, Method::HEAD),
    (GuestMethod::Post, Method::POST),
    (GuestMethod::Put, Method::PUT),
    (GuestMethod::Delete, Method::DELETE),
    (GuestMethod::Connect, Method::CONNECT),
    (GuestMethod::Options, Method::OPTIONS),
    (GuestMethod::Trace, Method::TRACE),
    (GuestMethod::Patch, Method::PATCH),
];

impl From<&Method> for GuestMethod {
    fn from(method: &Method) -> Self {
        let known = METHODS.iter().find(|(_, known)| known == method);
        known.map_or_else(|| Self::Other(method.as_str().to_string()), |(method, _)| method.clone())
    }
}

/// What a guest passed, which is not valid.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Invalid;

impl TryFrom<GuestMethod> for Method {
    type Error = Invalid;

    fn try_from(method: GuestMethod) -> Result<Self, Invalid> {
        match method {
            GuestMethod::Other(name) => Method::from_bytes(name.as_bytes()).map_err(|_| Invalid),
            method => {
                let known = METHODS.into_iter().find(|(known, _)| *known == method);
                known.map(|(_, method)| method).ok_or(Invalid)
            }
        }
    }
}

impl From<&Scheme> for GuestScheme {
    fn from(scheme: &Scheme) -> Self {
        match scheme.as_str() {
            "http" => Self::Http,
            "https" => Self::Https,
            name => Self::Other(name.to_string()),
        }
    }
}

impl TryFrom<GuestScheme> for Scheme {
    type Error = Invalid;

    fn try_from(scheme: GuestScheme) -> Result<Self, Invalid> {
        match scheme {
            GuestScheme::Http => Ok(Scheme::HTTP),
            GuestScheme::Https => Ok(Scheme::HTTPS),
            GuestScheme::Other(name) => name.parse().map_err(|_| Invalid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_and_schemes_are_what_they_were() {
        for (_, method) in METHODS {
            assert_eq!(GuestMethod::from(&method).try_into(), Ok(method));
        }
        let purge = Method::from_bytes(b"PURGE").expect("a valid method");
        assert_eq!(GuestMethod::from(&purge), GuestMethod::Other("PURGE".to_string()));
        assert_eq!(GuestMethod::from(&purge).try_into(), Ok(purge));
        assert_eq!(Method::try_from(GuestMethod::Other("no method".to_string())), Err(Invalid));
        for scheme in [Scheme::HTTP, Scheme::HTTPS, "ftp".parse().expect("a valid scheme")] {
            assert_eq!(GuestScheme::from(&scheme).try_into(), Ok(scheme));
        }
        assert_eq!(Scheme::try_from(GuestScheme::Other("no scheme".to_string())), Err(Invalid));
    }
}
