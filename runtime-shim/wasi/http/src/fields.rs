//! Headers and trailers: the resource `fields`.
//!
//! **Invariants.** Names and values are valid, regardless of who set them. Fields that belong to a request or
//! response that exists are not changed by the guest. What a guest keeps is charged to its budget.

use crate::budget::{Budget, Charge};
use crate::error::HeaderError;
use crate::state::{Access, HttpContext, failed};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use wasmaot_component::{Context, Linker, Resource};
use wasmaot_runtime::{HostError, LinkError};

/// Bytes that an entry takes besides its name and value.
const ENTRY: usize = 96;

/// Headers, which belong to connections and not to requests: the host sets them itself.
static FORBIDDEN: [HeaderName; 8] = [
    http::header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    http::header::PROXY_AUTHENTICATE,
    http::header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    http::header::TRANSFER_ENCODING,
    http::header::UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// Removes what guests neither see nor set.
pub(crate) fn remove_forbidden(headers: &mut HeaderMap) {
    for name in FORBIDDEN.iter().chain([&http::header::HOST]) {
        headers.remove(name);
    }
}

fn is_forbidden(name: &HeaderName) -> bool {
    FORBIDDEN.contains(name) || *name == http::header::HOST
}

/// The resource `fields`.
#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) headers: Arc<HeaderMap>,
    /// They belong to something that exists already.
    immutable: bool,
    /// What the guest added.
    charges: Vec<Charge>,
}

impl Fields {
    /// Those of a request or response, which the guest cannot change.
    pub(crate) fn immutable(headers: Arc<HeaderMap>) -> Self {
        Self { headers, immutable: true, charges: Vec::new() }
    }

    /// Without entries.
    fn new() -> Self {
        Self { headers: Arc::default(), immutable: false, charges: Vec::new() }
    }

    /// Adds a value.
    fn append(&mut self, budget: &Budget, name: &HeaderName, value: &[u8]) -> Result<(), Refused> {
        let value =
            HeaderValue::from_bytes(value).map_err(|_| Refused::Header(HeaderError::InvalidSyntax))?;
        let charge = budget.charge(name.as_str().len() + value.len() + ENTRY).map_err(Refused::Trap)?;
        let added = Arc::make_mut(&mut self.headers).try_append(name, value);
        added.map_err(|error| Refused::Trap(HostError::other(error)))?;
        self.charges.push(charge);
        Ok(())
    }

    fn changeable(&mut self) -> Result<&mut Self, Refused> {
        if self.immutable { Err(Refused::Header(HeaderError::Immutable)) } else { Ok(self) }
    }
}

/// Why fields are not changed.
enum Refused {
    Header(HeaderError),
    Trap(HostError),
}

impl Refused {
    fn into_result<T>(self) -> Result<Result<T, HeaderError>, HostError> {
        match self {
            Refused::Header(error) => Ok(Err(error)),
            Refused::Trap(error) => Err(error),
        }
    }
}

fn name_of(name: &str) -> Result<HeaderName, Refused> {
    let name =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| Refused::Header(HeaderError::InvalidSyntax))?;
    if is_forbidden(&name) { Err(Refused::Header(HeaderError::Forbidden)) } else { Ok(name) }
}

type Entries = Vec<(String, Vec<u8>)>;

fn from_list(entries: Entries, budget: &Budget) -> Result<Fields, Refused> {
    let mut fields = Fields::new();
    entries.into_iter().try_for_each(|(name, value)| fields.append(budget, &name_of(&name)?, &value))?;
    Ok(fields)
}

fn set(fields: &mut Fields, budget: &Budget, name: &str, values: &[Vec<u8>]) -> Result<(), Refused> {
    let name = name_of(name)?;
    let fields = fields.changeable()?;
    // All or nothing.
    let are_valid = values.iter().all(|value| HeaderValue::from_bytes(value).is_ok());
    if !are_valid {
        return Err(Refused::Header(HeaderError::InvalidSyntax));
    }
    Arc::make_mut(&mut fields.headers).remove(&name);
    values.iter().try_for_each(|value| fields.append(budget, &name, value))
}

type Handle = Resource<Fields>;

/// Defines the functions of `fields`.
pub(crate) fn define<T: 'static>(
    linker: &mut Linker<T>,
    interface: &str,
    access: Access<T>,
) -> Result<(), LinkError> {
    let mut types = linker.instance(interface)?;
    types.resource::<Fields>("fields", move |cx, rep| access.drop::<Fields>(cx, rep))?;
    types.func_wrap("[constructor]fields", move |cx: &mut Context<'_, '_, T>| {
        access.of(cx).push(Fields::new())
    })?;
    types.func_wrap("[static]fields.from-list", move |cx: &mut Context<'_, '_, T>, entries: Entries| {
        let mut http = access.of(cx);
        match from_list(entries, &http.http.budget) {
            Ok(fields) => http.push(fields).map(Ok::<Handle, HeaderError>),
            Err(refused) => refused.into_result(),
        }
    })?;
    types.func_wrap(
        "[method]fields.get",
        move |cx: &mut Context<'_, '_, T>, fields: Handle, name: String| {
            let http = access.of(cx);
            let values = http.get(&fields)?.headers.get_all(valid_or_none(&name)?);
            Ok(values.iter().map(|value| value.as_bytes().to_vec()).collect::<Vec<_>>())
        },
    )?;
    types.func_wrap(
        "[method]fields.has",
        move |cx: &mut Context<'_, '_, T>, fields: Handle, name: String| {
            Ok(access.of(cx).get(&fields)?.headers.contains_key(valid_or_none(&name)?))
        },
    )?;
    types.func_wrap("[method]fields.entries", move |cx: &mut Context<'_, '_, T>, fields: Handle| {
        let http = access.of(cx);
        let entries = http.get(&fields)?.headers.iter();
        let entries = entries.map(|(name, value)| (name.as_str().to_string(), value.as_bytes().to_vec()));
        Ok(entries.collect::<Entries>())
    })?;
    types.func_wrap("[method]fields.clone", move |cx: &mut Context<'_, '_, T>, fields: Handle| {
        let mut http = access.of(cx);
        let headers = http.get(&fields)?.headers.clone();
        let bytes = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ENTRY).sum();
        let charges = vec![http.http.budget.charge(bytes)?];
        http.push(Fields { headers, immutable: false, charges })
    })?;
    define_changes(linker, interface, access)
}

/// A name to look for; one that is not valid is not there.
fn valid_or_none(name: &str) -> Result<HeaderName, HostError> {
    let lower = HeaderName::from_bytes(name.as_bytes());
    // No message has this one, as it is removed from all.
    Ok(lower.unwrap_or(http::header::PROXY_AUTHENTICATE))
}

fn define_changes<T: 'static>(
    linker: &mut Linker<T>,
    interface: &str,
    access: Access<T>,
) -> Result<(), LinkError> {
    let mut types = linker.instance(interface)?;
    /// Changes fields, and gives the guest's error.
    fn change(
        http: HttpContext<'_>,
        fields: &Handle,
        f: impl FnOnce(&mut Fields, &Budget) -> Result<(), Refused>,
    ) -> Result<Result<(), HeaderError>, HostError> {
        let fields = http.wasi.table.get_mut(fields).map_err(failed)?;
        f(fields, &http.http.budget).map_or_else(Refused::into_result, |()| Ok(Ok(())))
    }
    types.func_wrap(
        "[method]fields.set",
        move |cx: &mut Context<'_, '_, T>, fields: Handle, name: String, values: Vec<Vec<u8>>| {
            change(access.of(cx), &fields, |fields, budget| set(fields, budget, &name, &values))
        },
    )?;
    types.func_wrap(
        "[method]fields.append",
        move |cx: &mut Context<'_, '_, T>, fields: Handle, name: String, value: Vec<u8>| {
            change(access.of(cx), &fields, |fields, budget| {
                let name = name_of(&name)?;
                fields.changeable()?.append(budget, &name, &value)
            })
        },
    )?;
    types.func_wrap(
        "[method]fields.delete",
        move |cx: &mut Context<'_, '_, T>, fields: Handle, name: String| {
            change(access.of(cx), &fields, |fields, _| {
                let name = name_of(&name)?;
                let fields = fields.changeable()?;
                Arc::make_mut(&mut fields.headers).remove(&name);
                Ok(())
            })
        },
    )?;
    Ok(())
}
