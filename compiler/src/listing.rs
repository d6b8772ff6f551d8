//! Machine code in words, for people and golden tests.
//!
//! Intel syntax, offsets from the function's start; behind an instruction what it refers to, the trap it may
//! raise, and the Wasm offset it stems from where that changes.

use crate::codegen::{Code, Reference, Target};
use crate::key::Symbol;
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, Mnemonic};
use std::collections::BTreeMap;
use std::fmt::Write;
use wasmaot_abi::addrmap::NO_OFFSET;

/// Lists a function. `name` returns the name of what a reference leads to.
pub(crate) fn list(code: &Code, name: &dyn Fn(Symbol) -> String) -> String {
    let mut references: Vec<&Reference> = code.references.iter().collect();
    references.sort_by_key(|reference| reference.at);
    let (text, data) = (String::new(), BTreeMap::new());
    let mut listing = Listing { code, references, name, text, data, wasm: NO_OFFSET };
    let mut at = 0;
    while at < code.bytes.len() {
        at = match listing.data.get(&at) {
            Some(Data::JumpTable) => listing.jump_table_at(at),
            Some(Data::Constants) => listing.constants_at(at),
            None => listing.instruction_at(at),
        };
    }
    listing.text
}

/// What lies between and behind the instructions.
enum Data {
    /// Its entries count from its own start and lead further on.
    JumpTable,
    /// They come last.
    Constants,
}

struct Listing<'a> {
    code: &'a Code,
    /// By ascending offset.
    references: Vec<&'a Reference>,
    name: &'a dyn Fn(Symbol) -> String,
    text: String,
    /// What instructions refer to, by offset.
    data: BTreeMap<usize, Data>,
    /// The Wasm offset stated last.
    wasm: u32,
}

impl Listing<'_> {
    fn instruction_at(&mut self, at: usize) -> usize {
        if let Some((&data, _)) = self.data.range(at..).next()
            && self.code.bytes[at..data].iter().all(|&byte| byte == 0)
        {
            // Data is aligned: what lies before it is padding.
            return data;
        }
        let mut decoder = Decoder::with_ip(64, &self.code.bytes[at..], at as u64, DecoderOptions::NONE);
        let instruction = decoder.decode();
        let next = at + instruction.len();
        let reference = self.references.partition_point(|reference| (reference.at as usize) < at);
        let reference = self.references.get(reference).filter(|reference| (reference.at as usize) < next);
        if instruction.is_ip_rel_memory_operand() && reference.is_none() {
            // A constant is read where it is; the entries of a table are found from its address.
            let is_address = instruction.mnemonic() == Mnemonic::Lea;
            let data = if is_address { Data::JumpTable } else { Data::Constants };
            self.data.insert(instruction.ip_rel_memory_address() as usize, data);
        }
        let mut line = format!("  {at:5x}:  {}", words(&instruction));
        let mut notes = Vec::new();
        if let Some(Target::Symbol(symbol)) = reference.map(|reference| &reference.target) {
            notes.push((self.name)(*symbol));
        }
        if let Ok(site) = self.code.traps.binary_search_by_key(&(at as u32), |site| site.at) {
            notes.push(format!("trap: {}", self.code.traps[site].trap));
        }
        let site = self.code.sites.binary_search_by_key(&(next as u32), |site| site.return_address);
        notes.extend(site.iter().flat_map(|&site| &self.code.sites[site].handlers).map(|handler| {
            let keeps = if handler.clause.keeps { " and keep it" } else { "" };
            match handler.clause.tag {
                Some(tag) => format!("catch tag {tag}{keeps}: {:#x}", handler.landing),
                None => format!("catch all{keeps}: {:#x}", handler.landing),
            }
        }));
        notes.extend(self.new_wasm_offset(at as u32));
        if !notes.is_empty() {
            let _ = write!(line, "{:1$}; {2}", "", 48usize.saturating_sub(line.len()), notes.join(", "));
        }
        self.text.push_str(line.trim_end());
        self.text.push('\n');
        next
    }

    fn new_wasm_offset(&mut self, at: u32) -> Option<String> {
        let index = self.code.locations.partition_point(|location| location.0 <= at).checked_sub(1)?;
        let wasm = self.code.locations[index].1;
        let is_new = wasm != self.wasm && wasm != NO_OFFSET;
        self.wasm = wasm;
        is_new.then(|| format!("@{wasm:#x}"))
    }

    /// Lists a jump table: as many entries as can be, up to the first place that one leads to. What has none
    /// is constants, whose address was taken as that of a table is: vectors are shifted by such.
    fn jump_table_at(&mut self, start: usize) -> usize {
        let mut at = start;
        let mut end = self.code.bytes.len();
        while let Some(entry) = self.code.bytes.get(at..end).and_then(|bytes| bytes.first_chunk::<4>()) {
            let target = start.wrapping_add_signed(i32::from_le_bytes(*entry) as isize);
            if target <= at || target >= self.code.bytes.len() {
                break;
            }
            let _ = writeln!(self.text, "  {at:5x}:  .long {target:#x} - {start:#x}");
            at += 4;
            end = end.min(target);
        }
        if at == start { self.constants_at(start) } else { at }
    }

    fn constants_at(&mut self, start: usize) -> usize {
        for (word, at) in self.code.bytes[start..].chunks(8).zip((start..).step_by(8)) {
            let bytes: Vec<String> = word.iter().map(|byte| format!("{byte:#04x}")).collect();
            let _ = writeln!(self.text, "  {at:5x}:  .byte {}", bytes.join(", "));
        }
        self.code.bytes.len()
    }
}

fn words(instruction: &Instruction) -> String {
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_branch_leading_zeros(false);
    options.set_space_after_operand_separator(true);
    options.set_small_hex_numbers_in_decimal(true);
    options.set_rip_relative_addresses(true);
    options.set_show_branch_size(false);
    let mut text = String::new();
    formatter.format(instruction, &mut text);
    text
}
