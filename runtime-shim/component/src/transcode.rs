//! Copies of strings between memories of a component, from one encoding to another.
//!
//! Adapters call these with ranges that they have checked; lengths are in code units. What each takes and
//! returns follows the instructions of the canonical ABI for the pair of encodings.
//!
//! **Invariant: everything is copied out of the one memory before the other is written to**, through checked
//! accesses.

use crate::error::Trap;
use wasmaot_abi::component::Violation;
use wasmaot_runtime::MemoryData;

/// Set in the length of a string that is UTF-16 where it could be Latin-1.
const UTF16_TAG: u32 = crate::lift::UTF16_TAG;

/// A way of copying: from one memory to another with these arguments, to these results.
pub(crate) type Transcoder = fn(&Memories<'_>, [u32; 5]) -> Result<[u32; 2], Trap>;

/// What is copied from and to.
pub(crate) struct Memories<'a> {
    pub(crate) from: MemoryData<'a>,
    pub(crate) to: MemoryData<'a>,
}

/// The transcoder of a name.
pub(crate) fn of(name: &str) -> Option<Transcoder> {
    Some(match name {
        "utf8-to-utf8" => |memories, [from, length, to, ..]| {
            let text = memories.utf8(from, length)?;
            memories.write(to, text.as_bytes())?;
            Ok([0; 2])
        },
        "utf16-to-utf16" => |memories, [from, length, to, ..]| {
            let units = memories.utf16(from, length)?;
            memories.write_units(to, &units)?;
            Ok([0; 2])
        },
        "latin1-to-latin1" => |memories, [from, length, to, ..]| {
            memories.write(to, &memories.read(from, length)?)?;
            Ok([0; 2])
        },
        "latin1-to-utf16" => |memories, [from, length, to, ..]| {
            let units: Vec<u16> = memories.read(from, length)?.into_iter().map(u16::from).collect();
            memories.write_units(to, &units)?;
            Ok([0; 2])
        },
        "utf8-to-utf16" => |memories, [from, length, to, ..]| {
            let units: Vec<u16> = memories.utf8(from, length)?.encode_utf16().collect();
            memories.write_units(to, &units)?;
            Ok([units.len() as u32, 0])
        },
        "utf16-to-utf8" => |memories, [from, length, to, room, first]| {
            let units = memories.units(from, length)?;
            let mut chars = char::decode_utf16(units.iter().copied());
            memories.to_utf8(to, room, first != 0, || {
                chars.next().map(|c| c.map(|c| (c, c.len_utf16() as u32)).map_err(|_| invalid("UTF-16")))
            })
        },
        "latin1-to-utf8" => |memories, [from, length, to, room, first]| {
            let mut bytes = memories.read(from, length)?.into_iter();
            memories.to_utf8(to, room, first != 0, || bytes.next().map(|byte| Ok((char::from(byte), 1))))
        },
        "utf16-to-compact-probably-utf16" => |memories, [from, length, to, ..]| {
            let units = memories.utf16(from, length)?;
            match units.iter().map(|&unit| u8::try_from(unit)).collect::<Result<Vec<u8>, _>>() {
                Ok(latin1) => {
                    memories.write(to, &latin1)?;
                    Ok([length, 0])
                }
                Err(_) => {
                    memories.write_units(to, &units)?;
                    Ok([length | UTF16_TAG, 0])
                }
            }
        },
        "utf8-to-latin1" => |memories, [from, length, to, ..]| {
            let text = memories.read(from, length)?;
            // Bytes beyond the valid prefix may be invalid; the later copy detects that.
            let valid = match std::str::from_utf8(&text) {
                Ok(text) => text,
                Err(error) => std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(),
            };
            let latin1: Vec<u8> = valid.chars().map_while(|c| u8::try_from(u32::from(c)).ok()).collect();
            let read: usize = valid.chars().take(latin1.len()).map(char::len_utf8).sum();
            memories.write(to, &latin1)?;
            Ok([read as u32, latin1.len() as u32])
        },
        "utf16-to-latin1" => |memories, [from, length, to, ..]| {
            let units = memories.units(from, length)?;
            let latin1: Vec<u8> = units.into_iter().map_while(|unit| u8::try_from(unit).ok()).collect();
            memories.write(to, &latin1)?;
            Ok([latin1.len() as u32; 2])
        },
        "utf8-to-compact-utf16" => |memories, [from, length, to, _, done]| {
            let units: Vec<u16> = memories.utf8(from, length)?.encode_utf16().collect();
            memories.inflate(to, done, &units)
        },
        "utf16-to-compact-utf16" => |memories, [from, length, to, _, done]| {
            let units = memories.utf16(from, length)?;
            memories.inflate(to, done, &units)
        },
        _ => return None,
    })
}

fn invalid(encoding: &'static str) -> Trap {
    Trap::Encoding {
        encoding,
        message: format!("invalid {} encoding", encoding.to_lowercase().replace('-', "")),
    }
}

impl Memories<'_> {
    fn read(&self, from: u32, length: u32) -> Result<Vec<u8>, Trap> {
        copy_out(&self.from, from, length)
    }

    fn write(&self, to: u32, bytes: &[u8]) -> Result<(), Trap> {
        self.to.write(to, bytes).map_err(|_| Trap::Violation(Violation::StringBounds))
    }

    fn write_units(&self, to: u32, units: &[u16]) -> Result<(), Trap> {
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        self.write(to, &bytes)
    }

    fn units(&self, from: u32, length: u32) -> Result<Vec<u16>, Trap> {
        let bytes = length.checked_mul(2).ok_or(Trap::Violation(Violation::StringBounds))?;
        let bytes = self.read(from, bytes)?;
        Ok(bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect())
    }

    /// Units that are valid UTF-16.
    fn utf16(&self, from: u32, length: u32) -> Result<Vec<u16>, Trap> {
        let units = self.units(from, length)?;
        match char::decode_utf16(units.iter().copied()).all(|c| c.is_ok()) {
            true => Ok(units),
            false => Err(invalid("UTF-16")),
        }
    }

    fn utf8(&self, from: u32, length: u32) -> Result<String, Trap> {
        String::from_utf8(self.read(from, length)?).map_err(|_| invalid("UTF-8"))
    }

    /// Encodes characters as long as there is room, in a first pass as long as they take a byte each. Returns
    /// the units that were read, and the bytes that were written.
    fn to_utf8(
        &self,
        to: u32,
        room: u32,
        first: bool,
        mut next: impl FnMut() -> Option<Result<(char, u32), Trap>>,
    ) -> Result<[u32; 2], Trap> {
        let (mut read, mut text) = (0, String::new());
        while let Some(next) = next() {
            let (c, units) = next?;
            if (first && !c.is_ascii()) || text.len() + c.len_utf8() > room as usize {
                break;
            }
            text.push(c);
            read += units;
        }
        self.write(to, text.as_bytes())?;
        Ok([read, text.len() as u32])
    }

    /// Makes UTF-16 of the Latin-1 that was written so far, and writes the rest behind it.
    fn inflate(&self, to: u32, done: u32, rest: &[u16]) -> Result<[u32; 2], Trap> {
        let latin1 = copy_out(&self.to, to, done)?;
        let units: Vec<u16> = latin1.into_iter().map(u16::from).chain(rest.iter().copied()).collect();
        self.write_units(to, &units)?;
        Ok([units.len() as u32, 0])
    }
}

fn copy_out(memory: &MemoryData<'_>, from: u32, length: u32) -> Result<Vec<u8>, Trap> {
    let bounds = Trap::Violation(Violation::StringBounds);
    // Nothing is allocated for what is not there.
    if u64::from(from) + u64::from(length) > memory.size() {
        return Err(bounds);
    }
    let mut bytes = vec![0; length as usize];
    memory.read(from, &mut bytes).map_err(|_| bounds)?;
    Ok(bytes)
}
