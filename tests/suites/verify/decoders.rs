//! A decoder of other authors (yaxpeax-x86) reads the code as the verifier's (iced-x86) does: the same
//! lengths, operations, operands and bytes of memory. What a proof says is about instructions as they are
//! decoded, so an error of the decoder would be one of every proof.
//!
//! Instructions are followed from each entry along all branches, tables of jumps and landing pads.

use crate::mutants::Artifact;
use crate::{all_options, read};
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind, Register};
use std::collections::{BTreeMap, BTreeSet};
use wasmaot_abi::code::CodeRange;
use wasmaot_abi::exception::ExceptionTable;
use wasmaot_tests::{files, parallel, report, repository, tests_folder};
use yaxpeax_arch::LengthedInstruction;
use yaxpeax_x86::amd64::{InstDecoder, Instruction as Other};

/// Names that the other decoder has for operations.
fn mnemonic(other: &str) -> &str {
    match other {
        "jz" => "je",
        "jnz" => "jne",
        "jnb" => "jae",
        "jna" => "jbe",
        "jnl" | "jge" => "jge",
        "jng" => "jle",
        "cmovz" => "cmove",
        "cmovnz" => "cmovne",
        "cmovnb" => "cmovae",
        "cmovna" => "cmovbe",
        "setz" => "sete",
        "setnz" => "setne",
        other => other,
    }
}

fn register(register: Register) -> String {
    let name = format!("{register:?}").to_lowercase();
    // The low byte of a numbered register.
    match name.strip_suffix('l') {
        Some(number) if number.starts_with('r') => format!("{number}b"),
        _ => name,
    }
}

fn memory(base: &str, index: &str, scale: u32, displacement: i64) -> String {
    let index = if index.is_empty() { String::new() } else { format!("{index}*{scale}") };
    format!("[{base}+{index}+{displacement:#x}]")
}

/// An operand in a form of this file's.
#[derive(Debug, Clone)]
enum Operand {
    Place(String),
    /// An immediate of this many bits. Decoders extend it as they like.
    Number(u64, u32),
}

impl Operand {
    /// Whether the other decoder has read the same.
    fn agrees(&self, other: &Operand) -> bool {
        match (self, other) {
            (Operand::Place(ours), Operand::Place(theirs)) => ours == theirs,
            (&Operand::Number(ours, bits), &Operand::Number(theirs, _)) => {
                (ours ^ theirs) << (64 - bits) == 0
            }
            _ => false,
        }
    }
}

/// Operands in a form of this file's.
fn operands(instruction: &Instruction) -> Vec<Operand> {
    let name = |one: Register| if one == Register::None { String::new() } else { register(one) };
    let operand = |at: u32| match instruction.op_kind(at) {
        OpKind::Register => Operand::Place(register(instruction.op_register(at))),
        OpKind::NearBranch64 => {
            Operand::Number(instruction.near_branch64().wrapping_sub(instruction.next_ip()), 32)
        }
        OpKind::Memory => {
            let displacement = match instruction.is_ip_rel_memory_operand() {
                true => instruction.ip_rel_memory_address().wrapping_sub(instruction.next_ip()),
                false => instruction.memory_displacement64(),
            };
            Operand::Place(memory(
                &name(instruction.memory_base()),
                &name(instruction.memory_index()),
                instruction.memory_index_scale(),
                i64::from(displacement as i32),
            ))
        }
        OpKind::Immediate64 => Operand::Number(instruction.immediate64(), 64),
        OpKind::Immediate8 => Operand::Number(instruction.immediate(at), 8),
        OpKind::Immediate16 => Operand::Number(instruction.immediate(at), 16),
        _ => Operand::Number(instruction.immediate(at), 32),
    };
    (0..instruction.op_count()).map(operand).collect()
}

fn operands_of_other(instruction: &Other) -> Vec<Operand> {
    use yaxpeax_x86::amd64::Operand as O;
    let operand = |at: u8| {
        let place = match instruction.operand(at) {
            O::ImmediateI8 { imm } => return Operand::Number(imm as u64, 64),
            O::ImmediateU8 { imm } => return Operand::Number(imm.into(), 64),
            O::ImmediateI16 { imm } => return Operand::Number(imm as u64, 64),
            O::ImmediateU16 { imm } => return Operand::Number(imm.into(), 64),
            O::ImmediateI32 { imm } => return Operand::Number(imm as u64, 64),
            O::ImmediateU32 { imm } => return Operand::Number(imm.into(), 64),
            O::ImmediateI64 { imm } => return Operand::Number(imm as u64, 64),
            O::ImmediateU64 { imm } => return Operand::Number(imm, 64),
            O::Register { reg } => reg.name().into(),
            O::AbsoluteU32 { addr } => memory("", "", 1, (addr as i32).into()),
            O::MemDeref { base } => memory(base.name(), "", 1, 0),
            O::Disp { base, disp } => memory(base.name(), "", 1, disp.into()),
            O::MemIndexScale { index, scale } => memory("", index.name(), scale.into(), 0),
            O::MemIndexScaleDisp { index, scale, disp } => {
                memory("", index.name(), scale.into(), disp.into())
            }
            O::MemBaseIndexScale { base, index, scale } => memory(base.name(), index.name(), scale.into(), 0),
            O::MemBaseIndexScaleDisp { base, index, scale, disp } => {
                memory(base.name(), index.name(), scale.into(), disp.into())
            }
            other => format!("{other:?}"),
        };
        Operand::Place(place)
    };
    (0..instruction.operand_count()).map(operand).collect()
}

/// Returns a description of how the decoders disagree, if they do.
fn difference(instruction: &Instruction, bytes: &[u8]) -> Option<String> {
    let ours = format!("{:?}", instruction.mnemonic()).to_lowercase();
    let other = match InstDecoder::default().decode_slice(bytes) {
        Ok(other) => other,
        Err(error) => return Some(format!("{ours}: the other decoder says {error}")),
    };
    let theirs = mnemonic(&other.opcode().to_string()).to_lowercase();
    let (length, size) = (other.len().to_const(), other.mem_size().and_then(|size| size.bytes_size()));
    let (own, foreign) = (operands(instruction), operands_of_other(&other));
    let has_memory =
        own.iter().any(|operand| matches!(operand, Operand::Place(place) if place.starts_with('[')));
    let agree =
        own.len() == foreign.len() && own.iter().zip(&foreign).all(|(ours, theirs)| ours.agrees(theirs));
    let bytes_of_memory = instruction.memory_size().size();
    let differs = length != instruction.len() as u64
        || ours != theirs
        || !agree
        || has_memory && bytes_of_memory > 0 && size.map(usize::from) != Some(bytes_of_memory);
    differs.then(|| {
        format!("{ours} {own:?} {bytes_of_memory} bytes; {theirs} {foreign:?} {size:?}, {length} long")
    })
}

/// Addresses of the jump table behind a jump through a register: it ends where the first of its targets is.
fn table(text: &[u8], start: u32, range: &CodeRange) -> Vec<u32> {
    let mut targets = Vec::new();
    let (mut at, mut end) = (start, range.end());
    while at + 4 <= end
        && let Some(entry) = text.get(at as usize..).and_then(|rest| rest.first_chunk())
        && let Some(target) = start.checked_add_signed(i32::from_le_bytes(*entry))
        && (range.start..range.end()).contains(&target)
    {
        if target > at {
            end = end.min(target);
        }
        targets.push(target);
        at += 4;
    }
    targets
}

/// What the other decoder reads otherwise, by iced-x86's name of the form, and why iced-x86 is right: the
/// processors' manuals (Intel SDM, volume 2) say so of these forms, all of which have no REX.W prefix.
const EXPLAINED: [(&str, &str); 5] = [
    ("Bswap_r32", "0F C8+rd: the operand has 32 bits; the other decoder names the register of 64"),
    ("Mov_rm32_imm32", "C7 /0 id: four bytes are stored; the other decoder states eight"),
    ("Movd_xmm_rm32", "66 0F 6E /r: the operand has 32 bits; the other decoder takes it for movq"),
    (
        "Pextrd_rm32_xmm_imm8",
        "66 0F 3A 16 /r ib: the operand has 32 bits; the other decoder names the register of 16",
    ),
    (
        "Pinsrd_xmm_rm32_imm8",
        "66 0F 3A 22 /r ib: the operand is a general register; the other decoder names a vector register",
    ),
];

#[derive(Default)]
struct Compared {
    instructions: usize,
    /// What follows a jump table was taken for more of it: these are no instructions.
    none: usize,
    bytes: usize,
    /// With the first example of each.
    differences: BTreeMap<String, String>,
}

fn compare(artifact: &Artifact) -> Compared {
    let text = &artifact.bytes[artifact.section(".text")];
    let descriptor = artifact.descriptor();
    let place = descriptor.exceptions;
    let exceptions = &artifact.bytes[place.offset as usize..][..place.length as usize];
    let tags = descriptor.tag_types().count() as u32;
    let exceptions =
        ExceptionTable::parse(exceptions, text.len() as u64, tags).expect("the compiler's table");
    let landings: Vec<u32> = exceptions
        .sites()
        .flat_map(|site| site.handlers.iter().map(|handler| handler.landing).collect::<Vec<_>>())
        .collect();
    let mut compared = Compared::default();
    for range in artifact.ranges() {
        let inside = |at: &u32| (range.start..range.end()).contains(at);
        let mut open: Vec<u32> = landings.iter().copied().filter(inside).chain([range.start]).collect();
        let mut seen = BTreeSet::new();
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            let bytes = &text[at as usize..range.end() as usize];
            let instruction = Decoder::with_ip(64, bytes, at.into(), DecoderOptions::NONE).decode();
            if instruction.is_invalid() {
                compared.none += 1;
                continue;
            }
            compared.instructions += 1;
            compared.bytes += instruction.len();
            if let Some(difference) = difference(&instruction, bytes) {
                let kind = format!("{:?}", instruction.code());
                compared.differences.entry(kind).or_insert(difference);
            }
            let next = instruction.next_ip() as u32;
            match instruction.flow_control() {
                FlowControl::UnconditionalBranch => open.push(instruction.near_branch64() as u32),
                FlowControl::IndirectBranch => open.extend(table(text, next, &range)),
                FlowControl::ConditionalBranch => open.extend([instruction.near_branch64() as u32, next]),
                FlowControl::Return | FlowControl::Exception => {}
                _ => open.push(next),
            }
            open.retain(inside);
        }
    }
    compared
}

#[test]
fn another_decoder_agrees() {
    let options = all_options();
    let golden = files(&tests_folder().join("golden"), "wat").into_iter().flat_map(|path| {
        let options = &options;
        (0..options.len()).map(move |number| (path.clone(), options[number].1.clone()))
    });
    let programs = [tests_folder().join("programs"), repository().join("benchmarks/programs")];
    let programs =
        programs.iter().flat_map(|folder| files(folder, "wasm")).map(|path| (path, options[0].1.clone()));
    let modules: Vec<_> = golden.chain(programs).collect();
    let all = parallel(modules, |(path, options)| {
        let (_, wasm) = read(&path).remove(0);
        let output = wasmaot_compiler::compile(&wasm, &options, &|_| {});
        output.map_or_else(|_| Compared::default(), |output| compare(&Artifact::new(output.bytes)))
    });
    let mut all = all.into_iter().fold(Compared::default(), |mut all, one| {
        all.instructions += one.instructions;
        all.bytes += one.bytes;
        all.none += one.none;
        all.differences.extend(one.differences);
        all
    });
    report(format_args!("{} instructions, {} bytes decoded twice", all.instructions, all.bytes));
    assert!(all.instructions > 100_000 && all.none * 10_000 < all.instructions, "{} are none", all.none);
    for (form, why) in EXPLAINED {
        if let Some(difference) = all.differences.remove(form) {
            report(format_args!("{difference} ({why})"));
        }
    }
    assert!(all.differences.is_empty(), "{:#?}", all.differences);
}
