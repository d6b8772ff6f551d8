//! The byte encoding of the descriptor: little-endian, no padding, every list preceded by its
//! `u32` count.
//!
//! `record!` gives a struct its writer and its reader from one list of fields, so the two cannot
//! drift apart. **Invariant: reading never panics and never allocates more than the input's size
//! warrants**, whatever the bytes are.

use alloc::string::String;
use alloc::vec::Vec;

/// Bytes that are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError {
    /// Offset of the offending byte from the start of the input.
    pub offset: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "expected {} at descriptor offset {:#x}", self.expected, self.offset)
    }
}

/// Buffer that values are encoded into.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// The bytes so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Appends a single byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Appends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

/// Reads encoded bytes, checking each step against the end.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Offset of the next byte.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Whether everything has been read.
    pub fn is_empty(&self) -> bool {
        self.offset == self.bytes.len()
    }

    /// An error at the byte before the current offset.
    pub fn invalid(&self, expected: &'static str) -> DecodeError {
        DecodeError { offset: self.offset.saturating_sub(1), expected }
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// There are fewer.
    pub fn raw(&mut self, length: usize, expected: &'static str) -> Result<&'a [u8], DecodeError> {
        let rest = &self.bytes[self.offset..];
        let bytes = rest.get(..length).ok_or(DecodeError { offset: self.offset, expected })?;
        self.offset += length;
        Ok(bytes)
    }

    /// Reads the next byte.
    ///
    /// # Errors
    /// There is none.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.raw(1, "a byte")?[0])
    }
}

/// Has an encoded form.
pub trait Encode {
    /// Appends the encoded form.
    fn encode(&self, w: &mut Writer);
}

/// Can be read from its encoded form.
pub trait Decode: Sized {
    /// Decodes one value from the reader.
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

macro_rules! integers {
    ($($int:ident),*) => {$(
        impl Encode for $int {
            fn encode(&self, w: &mut Writer) {
                w.raw(&self.to_le_bytes());
            }
        }
        impl Decode for $int {
            fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let mut bytes = [0; size_of::<$int>()];
                bytes.copy_from_slice(r.raw(size_of::<$int>(), stringify!($int))?);
                Ok($int::from_le_bytes(bytes))
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, i32, i64);

impl Encode for bool {
    fn encode(&self, w: &mut Writer) {
        w.u8(u8::from(*self));
    }
}

impl Decode for bool {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(r.invalid("a truth value")),
        }
    }
}

impl Encode for String {
    fn encode(&self, w: &mut Writer) {
        (self.len() as u32).encode(w);
        w.raw(self.as_bytes());
    }
}

impl Decode for String {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = u32::decode(r)? as usize;
        let start = r.offset();
        let bytes = r.raw(length, "a string")?;
        let text = core::str::from_utf8(bytes)
            .map_err(|e| DecodeError { offset: start + e.valid_up_to(), expected: "UTF-8" })?;
        Ok(text.into())
    }
}

/// A digest.
impl Encode for [u8; 32] {
    fn encode(&self, w: &mut Writer) {
        w.raw(self);
    }
}

impl Decode for [u8; 32] {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(r.raw(32, "32 bytes")?);
        Ok(bytes)
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, w: &mut Writer) {
        self.is_some().encode(w);
        if let Some(value) = self {
            value.encode(w);
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(if bool::decode(r)? { Some(T::decode(r)?) } else { None })
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, w: &mut Writer) {
        (self.len() as u32).encode(w);
        for item in self {
            item.encode(w);
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = u32::decode(r)? as usize;
        // Every item takes at least a byte, so a count beyond the rest is a lie; do not reserve for it.
        let mut items = Vec::with_capacity(count.min(r.bytes.len() - r.offset).min(1024));
        for _ in 0..count {
            let before = r.offset;
            items.push(T::decode(r)?);
            if r.offset == before {
                return Err(DecodeError { offset: before, expected: "a list item" });
            }
        }
        Ok(items)
    }
}

/// Declares a struct together with its [`Encode`] and [`Decode`].
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $ty:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name { $($(#[$field_meta])* pub $field: $ty,)* }

        impl $crate::wire::Encode for $name {
            fn encode(&self, w: &mut $crate::wire::Writer) {
                $($crate::wire::Encode::encode(&self.$field, w);)*
            }
        }

        impl $crate::wire::Decode for $name {
            fn decode(r: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::DecodeError> {
                Ok(Self { $($field: <$ty as $crate::wire::Decode>::decode(r)?,)* })
            }
        }
    };
}

/// Declares an enum of tagged variants together with its [`Encode`] and [`Decode`].
macro_rules! tagged {
    ($(#[$meta:meta])* pub enum $name:ident ($what:literal) {
        $($(#[$variant_meta:meta])* $variant:ident $({ $($(#[$field_meta:meta])* $field:ident: $ty:ty),* $(,)? })? = $tag:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub enum $name { $($(#[$variant_meta])* $variant $({ $($(#[$field_meta])* $field: $ty),* })?,)* }

        impl $crate::wire::Encode for $name {
            fn encode(&self, w: &mut $crate::wire::Writer) {
                match self {
                    $($name::$variant $({ $($field),* })? => {
                        w.u8($tag);
                        $($($crate::wire::Encode::encode($field, w);)*)?
                    })*
                }
            }
        }

        impl $crate::wire::Decode for $name {
            fn decode(r: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::DecodeError> {
                Ok(match r.u8()? {
                    $($tag => $name::$variant $({ $($field: <$ty as $crate::wire::Decode>::decode(r)?),* })?,)*
                    _ => return Err(r.invalid($what)),
                })
            }
        }
    };
}

pub(crate) use {record, tagged};
