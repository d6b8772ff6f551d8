//! Exception handlers: from a call's return address to where an exception that passes it lands.
//!
//! ```text
//!  exception table:  | count u32 | handlers u32 | site x count, return address ascending | handler x handlers |
//!  site:             | return u32 | frame u32 | context u32 | first u32 |
//!  handler:          | clause u32 | landing u32 |
//! ```
//!
//! A *site* is a call inside a `try_table` or `try`. `return` and `landing` count from the start of `.text`.
//! While the call runs, the caller's stack pointer is its frame pointer less `frame`, and the caller's vmctx
//! lies `context` bytes above that, or is nowhere ([`NO_CONTEXT`]: the call is one of
//! [`Builtin::Throw`](crate::builtin::Builtin::Throw) or `ThrowRef`, which get it as an argument). Its
//! handlers start at `first` and end where those of the next site start; the first that matches wins. A
//! *clause* is a tag's index in the module, or [`CATCH_ALL`], above a bit that says whether the handler keeps
//! a reference to the exception.
//!
//! Control lands with the caller's stack and frame pointers restored, the exception's index in rax and the
//! address of its values in rdx: cells as in [`crate::entry`], valid until something else is thrown. Nothing
//! else is preserved. A file without sites has no bytes for the table at all. **Invariants: the table is
//! searched in place, and [`ExceptionTable::parse`] lets no landing through that is outside the text.**

use crate::slot::MAX_STACK;
use alloc::vec::Vec;

/// In place of a tag's index: every exception.
pub const CATCH_ALL: u32 = (u32::MAX >> 1) - 1;

/// In place of the vmctx's place in the frame.
pub const NO_CONTEXT: u32 = u32::MAX;

/// What a handler catches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Clause {
    /// Index of the tag in the module; `None` for every exception.
    pub tag: Option<u32>,
    /// Whether the handler keeps a reference to the exception, beyond its values.
    pub keeps: bool,
}

impl Clause {
    /// As the table holds it.
    pub const fn to_word(self) -> u32 {
        let tag = match self.tag {
            Some(tag) => tag,
            None => CATCH_ALL,
        };
        tag << 1 | self.keeps as u32
    }

    /// From the form in the table.
    pub const fn from_word(word: u32) -> Self {
        let tag = if word >> 1 == CATCH_ALL { None } else { Some(word >> 1) };
        Self { tag, keeps: word & 1 != 0 }
    }
}

/// Where an exception lands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handler {
    /// Exceptions that the handler catches.
    pub clause: Clause,
    /// Offset of the landing pad from the start of the text.
    pub landing: u32,
}

/// A call that exceptions may be caught at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its return address, from the start of the text.
    pub return_address: u32,
    /// Distance from the caller's frame pointer down to its stack pointer.
    pub frame: u32,
    /// Where the caller's vmctx lies, from the stack pointer; `None` where the callee knows it.
    pub context: Option<u32>,
    /// In the order in which they are tried.
    pub handlers: Vec<Handler>,
}

const HEAD: usize = 8;
const SITE: usize = 16;
const HANDLER: usize = 8;

/// Alignment of frames.
const STACK_ALIGN: u32 = 16;

/// Writes an exception table from sites in ascending order of return address.
pub fn write_exception_table(sites: &[Site]) -> Vec<u8> {
    debug_assert!(sites.is_sorted_by(|a, b| a.return_address < b.return_address));
    if sites.is_empty() {
        return Vec::new();
    }
    let handlers = || sites.iter().flat_map(|site| &site.handlers);
    let mut words = alloc::vec![sites.len() as u32, handlers().count() as u32];
    let mut first = 0;
    for site in sites {
        words.extend([site.return_address, site.frame, site.context.unwrap_or(NO_CONTEXT), first]);
        first += site.handlers.len() as u32;
    }
    words.extend(handlers().flat_map(|handler| [handler.clause.to_word(), handler.landing]));
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// An exception table in its written form.
#[derive(Debug, Clone, Copy)]
pub struct ExceptionTable<'a> {
    sites: &'a [u8],
    handlers: &'a [u8],
}

/// A site found in a table.
#[derive(Debug, Clone, Copy)]
pub struct SiteRef<'a> {
    /// Distance to the frame pointer, see [`Site::frame`].
    pub frame: u32,
    /// Position of the caller's vmctx, see [`Site::context`].
    pub context: Option<u32>,
    handlers: &'a [u8],
}

fn word(bytes: &[u8], index: usize) -> u32 {
    let bytes = &bytes[index * 4..index * 4 + 4];
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

impl<'a> ExceptionTable<'a> {
    /// Checks every field, given the bytes of the text and the number of tags. Says what is wrong otherwise.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(bytes: &'a [u8], text: u64, tags: u32) -> Result<Self, &'static str> {
        if bytes.is_empty() {
            return Ok(Self { sites: &[], handlers: &[] });
        }
        let (head, rest) = bytes.split_at_checked(HEAD).ok_or("it is cut short")?;
        let (sites, handlers) = (word(head, 0) as usize * SITE, word(head, 1) as usize * HANDLER);
        if sites == 0 || rest.len() != sites + handlers {
            return Err("its size is not that of its entries");
        }
        let (sites, handlers) = rest.split_at(sites);
        let table = Self { sites, handlers };
        let inside = |offset: u32| u64::from(offset) < text;
        let count = |bytes: &[u8], size: usize| bytes.len() / size;
        let mut before = None;
        for index in 0..count(sites, SITE) {
            let site = table.site(index).ok_or("the handlers of a site are out of order")?;
            let at = table.return_address(index);
            if !inside(at) || before.is_some_and(|before| before >= at) {
                return Err("a return address is outside the text or out of order");
            }
            if u64::from(site.frame) > MAX_STACK || !site.frame.is_multiple_of(STACK_ALIGN) {
                return Err("a frame's size is out of range");
            }
            let context = |at: u32| at.is_multiple_of(8) && at < site.frame;
            if !site.context.is_none_or(context) {
                return Err("a context is outside its frame");
            }
            before = Some(at);
        }
        for handler in (SiteRef { frame: 0, context: None, handlers }).handlers() {
            if !inside(handler.landing) {
                return Err("a landing pad is outside the text");
            }
            if handler.clause.tag.is_some_and(|tag| tag >= tags) {
                return Err("a handler names an unknown tag");
            }
        }
        Ok(table)
    }

    fn len(self) -> usize {
        self.sites.len() / SITE
    }

    fn return_address(self, index: usize) -> u32 {
        word(self.sites, index * SITE / 4)
    }

    /// Where the handlers of a site begin, in bytes; those of the one behind the last end with the table.
    fn first(self, index: usize) -> Option<usize> {
        if index == self.len() {
            return Some(self.handlers.len());
        }
        (word(self.sites, index * SITE / 4 + 3) as usize).checked_mul(HANDLER)
    }

    fn site(self, index: usize) -> Option<SiteRef<'a>> {
        let field = |i: usize| word(self.sites, index * SITE / 4 + i);
        let handlers = self.handlers.get(self.first(index)?..self.first(index + 1)?)?;
        let context = Some(field(2)).filter(|&context| context != NO_CONTEXT);
        Some(SiteRef { frame: field(1), context, handlers })
    }

    /// The site that returns to this offset from the start of the text.
    pub fn lookup(self, return_address: u32) -> Option<SiteRef<'a>> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.return_address(middle) < return_address { low = middle + 1 } else { high = middle }
        }
        if low < self.len() && self.return_address(low) == return_address { self.site(low) } else { None }
    }

    /// All sites, in order.
    pub fn sites(self) -> impl Iterator<Item = Site> + use<'a> {
        (0..self.len()).filter_map(move |index| {
            let site = self.site(index)?;
            Some(Site {
                return_address: self.return_address(index),
                frame: site.frame,
                context: site.context,
                handlers: site.handlers().collect(),
            })
        })
    }
}

impl<'a> SiteRef<'a> {
    /// In the order in which they are tried.
    pub fn handlers(self) -> impl Iterator<Item = Handler> + use<'a> {
        let handler =
            |bytes: &[u8]| Handler { clause: Clause::from_word(word(bytes, 0)), landing: word(bytes, 1) };
        self.handlers.chunks_exact(HANDLER).map(handler)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const TEXT: u64 = 1000;
    const TAGS: u32 = 3;

    fn handler(tag: Option<u32>, keeps: bool, landing: u32) -> Handler {
        Handler { clause: Clause { tag, keeps }, landing }
    }

    fn sample() -> Vec<Site> {
        vec![
            Site {
                return_address: 10,
                frame: 32,
                context: Some(24),
                handlers: vec![handler(Some(2), true, 100), handler(None, false, 0)],
            },
            Site { return_address: 11, frame: 0, context: None, handlers: vec![] },
            Site { return_address: 999, frame: 16, context: None, handlers: vec![handler(None, true, 999)] },
        ]
    }

    #[test]
    fn round_trip() {
        let bytes = write_exception_table(&sample());
        let table = ExceptionTable::parse(&bytes, TEXT, TAGS).unwrap();
        assert_eq!(table.sites().collect::<Vec<_>>(), sample());
        for site in sample() {
            let found = table.lookup(site.return_address).unwrap();
            assert_eq!((found.frame, found.context), (site.frame, site.context));
            assert_eq!(found.handlers().collect::<Vec<_>>(), site.handlers);
        }
        for nothing in [0, 9, 12, 998, 1000, u32::MAX] {
            assert!(table.lookup(nothing).is_none());
        }
    }

    #[test]
    fn no_sites_take_no_bytes() {
        assert!(write_exception_table(&[]).is_empty());
        assert!(ExceptionTable::parse(&[], 0, 0).unwrap().lookup(0).is_none());
    }

    #[test]
    fn every_field_is_checked() {
        type Change = fn(&mut [Site]);
        let changes: [(Change, &str); 8] = [
            (|s| s[2].return_address = 1000, "return address"),
            (|s| s[2].frame = 8, "frame's size"),
            (|s| s[2].frame = MAX_STACK as u32 + 16, "frame's size"),
            (|s| s[0].context = Some(32), "context"),
            (|s| s[0].context = Some(12), "context"),
            (|s| s[0].handlers[0].landing = 1000, "landing pad"),
            (|s| s[0].handlers[0].clause.tag = Some(3), "unknown tag"),
            (|s| s[2].handlers[0].landing = u32::MAX, "landing pad"),
        ];
        for (change, problem) in changes {
            let mut sites = sample();
            change(&mut sites);
            let bytes = write_exception_table(&sites);
            let error = ExceptionTable::parse(&bytes, TEXT, TAGS).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn malformed_tables_are_refused() {
        let bytes = write_exception_table(&sample());
        for end in 1..bytes.len() {
            assert!(ExceptionTable::parse(&bytes[..end], TEXT, TAGS).is_err());
        }
        // Miri is slow.
        let step = if cfg!(miri) { 61 } else { 1 };
        for bit in (0..bytes.len() * 8).step_by(step) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(table) = ExceptionTable::parse(&flipped, TEXT, TAGS) {
                assert!(table.sites().all(|site| u64::from(site.return_address) < TEXT));
                assert!(
                    table
                        .sites()
                        .flat_map(|site| site.handlers)
                        .all(|handler| u64::from(handler.landing) < TEXT)
                );
            }
        }
        let mut unsorted = bytes.clone();
        unsorted.copy_within(8 + SITE..8 + 2 * SITE, 8);
        assert!(ExceptionTable::parse(&unsorted, TEXT, TAGS).is_err());
    }
}
