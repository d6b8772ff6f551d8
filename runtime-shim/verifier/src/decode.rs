//! From bytes to instructions that may be executed, and what each does to registers.
//!
//! The list is the code generator's repertoire, not the processor's: an instruction that is not on it is
//! refused, whatever it does. What is not on it: system calls, segment and control registers, `popf`, `std`,
//! `ldmxcsr`, x87 and MMX, string instructions, `wrpkru`.
//!
//! Prefixes are read here and not left to the decoder, because processors of different makers disagree on
//! unusual ones: operand-size prefixes of branches, repeated prefixes, a REX prefix that another prefix
//! follows. **Invariant: an instruction has the same length and meaning on every processor that executes
//! it**: it has no segment override and no address-size prefix, no prefix twice, and branches have none at
//! all.

use crate::cpu;
use crate::reject::{Problem, Property, ensure, problem};
use iced_x86::{
    Decoder, DecoderOptions, Instruction, MemorySize, Mnemonic, OpKind, Register, RoundingControl,
};

/// What an instruction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Copies the second operand to the first.
    Move,
    /// Copies the second operand to the first, with its sign.
    SignExtend,
    /// Computes an address.
    Lea,
    /// Computes the first operand from itself and others.
    Add,
    Sub,
    And,
    Xor,
    Shift,
    ShiftLeft,
    ShiftRight,
    Multiply,
    /// Computes the first operand from any; it is read or not.
    Other,
    /// Only sets flags.
    Compare,
    Test,
    Flags,
    /// The same; an operand in memory has to be aligned.
    AlignedFlags,
    ConditionalMove,
    SetCondition,
    Jump,
    ConditionalJump,
    Call,
    Return,
    Trap,
    Push,
    Pop,
    /// Writes rax and rdx.
    Wide,
    /// The same; a division, which may trap.
    Divide,
    /// Extends a sign into rax or rdx.
    Sign,
    Exchange,
    ExchangeAdd,
    CompareExchange,
    /// Writes both of its first operands.
    Two,
    /// Writes the first operand, which is a vector register, memory, or a register that gets an integer.
    Vector,
    /// The same; an operand in memory has to be aligned.
    AlignedVector,
    Nothing,
}

/// A condition that flags fulfil.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Above,
    AboveOrEqual,
    Below,
    BelowOrEqual,
    Equal,
    NotEqual,
    /// With signs.
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// Another one, of which nothing follows.
    Other,
}

impl Condition {
    /// That of a conditional jump or move.
    pub(crate) fn of(instruction: &Instruction) -> Self {
        use Mnemonic as M;
        match instruction.mnemonic() {
            M::Ja | M::Cmova => Condition::Above,
            M::Jae | M::Cmovae => Condition::AboveOrEqual,
            M::Jb | M::Cmovb => Condition::Below,
            M::Jbe | M::Cmovbe => Condition::BelowOrEqual,
            M::Je | M::Cmove => Condition::Equal,
            M::Jne | M::Cmovne => Condition::NotEqual,
            M::Jg | M::Cmovg => Condition::Greater,
            M::Jge | M::Cmovge => Condition::GreaterOrEqual,
            M::Jl | M::Cmovl => Condition::Less,
            M::Jle | M::Cmovle => Condition::LessOrEqual,
            _ => Condition::Other,
        }
    }

    /// The condition with the operands exchanged.
    pub(crate) fn turned(self) -> Self {
        match self {
            Condition::Above => Condition::Below,
            Condition::AboveOrEqual => Condition::BelowOrEqual,
            Condition::Below => Condition::Above,
            Condition::BelowOrEqual => Condition::AboveOrEqual,
            Condition::Greater => Condition::Less,
            Condition::GreaterOrEqual => Condition::LessOrEqual,
            Condition::Less => Condition::Greater,
            Condition::LessOrEqual => Condition::GreaterOrEqual,
            Condition::Equal | Condition::NotEqual | Condition::Other => self,
        }
    }

    /// Whether it is one without signs, of which facts follow.
    pub(crate) fn is_unsigned(self) -> bool {
        !matches!(
            self,
            Condition::Greater
                | Condition::GreaterOrEqual
                | Condition::Less
                | Condition::LessOrEqual
                | Condition::Other
        )
    }

    /// The condition that holds where this one does not.
    pub(crate) fn negated(self) -> Self {
        match self {
            Condition::Above => Condition::BelowOrEqual,
            Condition::AboveOrEqual => Condition::Below,
            Condition::Below => Condition::AboveOrEqual,
            Condition::BelowOrEqual => Condition::Above,
            Condition::Equal => Condition::NotEqual,
            Condition::NotEqual => Condition::Equal,
            Condition::Greater => Condition::LessOrEqual,
            Condition::GreaterOrEqual => Condition::Less,
            Condition::Less => Condition::GreaterOrEqual,
            Condition::LessOrEqual => Condition::Greater,
            Condition::Other => Condition::Other,
        }
    }
}

/// Prefixes that an instruction may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Prefixes {
    operand_size: bool,
    repeat: bool,
    lock: bool,
}

/// Instructions that follow one another.
pub(crate) struct Instructions<'a> {
    bytes: &'a [u8],
    cpu_features: u64,
    decoder: Decoder<'a>,
}

impl<'a> Instructions<'a> {
    /// Those from an offset from the start of the text on, up to an end, for a CPU with these features.
    pub(crate) fn new(text: &'a [u8], at: u32, end: u32, cpu_features: u64) -> Self {
        let bytes = text.get(at as usize..end as usize).unwrap_or_default();
        Self {
            bytes,
            cpu_features,
            decoder: Decoder::with_ip(64, bytes, u64::from(at), DecoderOptions::NONE),
        }
    }

    /// Decodes the next one.
    pub(crate) fn next(&mut self) -> Result<(Instruction, Form), Problem> {
        let prefixes = prefixes(self.bytes.get(self.decoder.position()..).unwrap_or_default())?;
        let mut instruction = Instruction::default();
        self.decoder.decode_out(&mut instruction);
        let form = check(&instruction, prefixes)?;
        cpu::check(&instruction, self.cpu_features)?;
        Ok((instruction, form))
    }
}

/// What an instruction does, if it may be executed.
fn check(instruction: &Instruction, prefixes: Prefixes) -> Result<Form, Problem> {
    if instruction.is_invalid() {
        return problem(Property::Instructions, "the bytes are no instruction");
    }
    let Some(form) = form(instruction) else {
        return problem(Property::Instructions, format!("{:?} is not allowed", instruction.mnemonic()));
    };
    let plain = prefixes == Prefixes::default();
    let holds = match form {
        Form::Jump
        | Form::ConditionalJump
        | Form::Call
        | Form::Return
        | Form::Trap
        | Form::Push
        | Form::Pop => plain,
        Form::Vector | Form::AlignedVector | Form::Flags | Form::AlignedFlags | Form::Nothing => {
            !(prefixes.lock || prefixes.operand_size && prefixes.repeat)
        }
        _ => !prefixes.repeat || counts_bits(instruction.mnemonic()),
    };
    ensure(holds, Property::Instructions, "it has a prefix that is not allowed")?;
    ensure(!prefixes.lock || has_memory(instruction), Property::Instructions, "it is locked without memory")?;
    Ok(form)
}

/// Reads the prefixes of an instruction. None may be there twice, and REX has to be the last one.
fn prefixes(bytes: &[u8]) -> Result<Prefixes, Problem> {
    let mut found = Prefixes::default();
    for (position, &byte) in bytes.iter().enumerate() {
        let flag = match byte {
            0x66 => &mut found.operand_size,
            0xf2 | 0xf3 => &mut found.repeat,
            0xf0 => &mut found.lock,
            0x26 | 0x2e | 0x36 | 0x3e | 0x64 | 0x65 => {
                return problem(Property::Instructions, "it has a segment override");
            }
            0x67 => return problem(Property::Instructions, "it has an address-size prefix"),
            0x40..=0x4f => {
                let last = !matches!(
                    bytes.get(position + 1),
                    Some(
                        0x26
                        | 0x2e
                        | 0x36
                        | 0x3e
                        | 0x40..=0x4f
                        | 0x64..=0x67
                        | 0xf0
                        | 0xf2
                        | 0xf3
                        | 0xc4
                        | 0xc5
                        | 0x62,
                    )
                );
                ensure(last, Property::Instructions, "its REX prefix is not the last prefix")?;
                break;
            }
            0xc4 | 0xc5 | 0x62 => {
                ensure(
                    found == Prefixes::default(),
                    Property::Instructions,
                    "a VEX or EVEX prefix follows another",
                )?;
                break;
            }
            _ => break,
        };
        ensure(!std::mem::replace(flag, true), Property::Instructions, "it has a prefix twice")?;
    }
    Ok(found)
}

/// Instructions on integers that a repeat prefix makes.
fn counts_bits(mnemonic: Mnemonic) -> bool {
    matches!(mnemonic, Mnemonic::Popcnt | Mnemonic::Lzcnt | Mnemonic::Tzcnt)
}

fn has_memory(instruction: &Instruction) -> bool {
    (0..instruction.op_count()).any(|operand| instruction.op_kind(operand) == OpKind::Memory)
}

/// The number of a general-purpose register and the bits of it that an operand names: 8, 16, 32 or 64.
pub(crate) fn gpr(register: Register) -> Option<(u8, u8)> {
    let number = register as u32;
    let from = |first: Register| (number - first as u32) as u8;
    match register {
        Register::None => None,
        Register::AH | Register::CH | Register::DH | Register::BH => Some((from(Register::AH), 8)),
        _ if number <= Register::R15L as u32 => {
            let position = from(Register::AL);
            // Behind the four high bytes come those of rsp and so on.
            Some((if position >= 8 { position - 4 } else { position }, 8))
        }
        _ if number <= Register::R15W as u32 => Some((from(Register::AX), 16)),
        _ if number <= Register::R15D as u32 => Some((from(Register::EAX), 32)),
        _ if number <= Register::R15 as u32 => Some((from(Register::RAX), 64)),
        _ => None,
    }
}

/// Whether it is the second byte of a register.
pub(crate) fn is_high_byte(register: Register) -> bool {
    matches!(register, Register::AH | Register::CH | Register::DH | Register::BH)
}

/// Bytes that an operand in memory has. 64, which nothing of the list exceeds, if it is not known here.
pub(crate) fn memory_bytes(size: MemorySize) -> u32 {
    use MemorySize as M;
    match size {
        M::UInt8 | M::Int8 => 1,
        M::UInt16 | M::Int16 => 2,
        M::UInt32 | M::Int32 | M::Float32 => 4,
        M::UInt64 | M::Int64 | M::Float64 | M::QwordOffset => 8,
        M::UInt128 | M::Int128 => 16,
        M::Packed32_UInt8 | M::Packed32_Int8 | M::Packed32_UInt16 | M::Packed32_Int16 => 4,
        M::Packed16_UInt8 | M::Packed16_Int8 => 2,
        M::Packed64_UInt8 | M::Packed64_Int8 | M::Packed64_UInt16 | M::Packed64_Int16 => 8,
        M::Packed64_UInt32 | M::Packed64_Int32 | M::Packed64_Float32 => 8,
        M::Packed128_UInt8 | M::Packed128_Int8 | M::Packed128_UInt16 | M::Packed128_Int16 => 16,
        M::Packed128_UInt32 | M::Packed128_Int32 | M::Packed128_UInt64 | M::Packed128_Int64 => 16,
        M::Packed128_Float32 | M::Packed128_Float64 | M::Packed128_UInt52 => 16,
        _ => 64,
    }
}

/// What an instruction does, if it is on the list.
#[rustfmt::skip]
fn form(instruction: &Instruction) -> Option<Form> {
    use Mnemonic::*;
    Some(match instruction.mnemonic() {
        Mov | Movzx => Form::Move,
        Movsx | Movsxd => Form::SignExtend,
        Mnemonic::Lea => Form::Lea,
        Mnemonic::Add => Form::Add,
        Mnemonic::Sub => Form::Sub,
        Mnemonic::And => Form::And,
        Mnemonic::Xor => Form::Xor,
        Shl => Form::ShiftLeft,
        Shr => Form::ShiftRight,
        Sar | Rol | Ror => Form::Shift,
        Imul if instruction.op_count() > 1 => Form::Multiply,
        Or | Adc | Sbb | Neg | Not | Inc | Dec | Shld | Shrd | Bswap | Andn | Blsi | Blsmsk | Blsr | Bzhi
        | Bsf | Bsr | Lzcnt | Tzcnt | Popcnt | Rorx | Sarx | Shlx | Shrx => Form::Other,
        Cmp => Form::Compare,
        Mnemonic::Test => Form::Test,
        // In memory, the bit may be anywhere: its number is not limited to the operand.
        Bt if !has_memory(instruction) => Form::Flags,
        Ucomisd | Ucomiss | Vucomisd | Vucomiss | Vptest => Form::Flags,
        Ptest => Form::AlignedFlags,
        Cmova | Cmovae | Cmovb | Cmovbe | Cmove | Cmovg | Cmovge | Cmovl | Cmovle | Cmovne | Cmovno | Cmovnp
        | Cmovns | Cmovo | Cmovp | Cmovs => Form::ConditionalMove,
        Seta | Setae | Setb | Setbe | Sete | Setg | Setge | Setl | Setle | Setne | Setno | Setnp | Setns
        | Seto | Setp | Sets => Form::SetCondition,
        Jmp if is_near(instruction) => Form::Jump,
        Ja | Jae | Jb | Jbe | Je | Jg | Jge | Jl | Jle | Jne | Jno | Jnp | Jns | Jo | Jp | Js => {
            Form::ConditionalJump
        }
        Mnemonic::Call if is_near(instruction) => Form::Call,
        Ret => Form::Return,
        Ud2 => Form::Trap,
        Mnemonic::Push => Form::Push,
        Mnemonic::Pop => Form::Pop,
        Mul | Imul => Form::Wide,
        Div | Idiv => Form::Divide,
        Cbw | Cwde | Cdqe | Cwd | Cdq | Cqo => Form::Sign,
        Xchg => Form::Exchange,
        Xadd => Form::ExchangeAdd,
        Cmpxchg => Form::CompareExchange,
        Mulx => Form::Two,
        Nop | Mfence | Lfence | Sfence => Form::Nothing,
        Movaps | Movapd | Movdqa | Vmovaps | Vmovapd | Vmovdqa => Form::AlignedVector,
        Movd | Movq | Movss | Movsd | Movups | Movupd | Movdqu | Movhps | Movlhps | Movddup | Movmskps | Movmskpd
        | Pmovmskb | Cvtsd2si | Cvtsd2ss | Cvtsi2sd | Cvtsi2ss | Cvtss2sd | Cvtss2si | Cvttsd2si | Cvttss2si
        | Addss | Addsd | Subss | Subsd | Mulss | Mulsd | Divss | Divsd | Minss | Minsd | Maxss | Maxsd
        | Sqrtss | Sqrtsd | Cmpss | Cmpsd | Roundss | Roundsd | Extractps | Insertps | Rcpss | Rsqrtss
        | Pextrb | Pextrw | Pextrd | Pextrq | Pinsrb | Pinsrw | Pinsrd | Pinsrq
        | Pmovsxbw | Pmovsxbd | Pmovsxbq | Pmovsxwd | Pmovsxwq | Pmovsxdq
        | Pmovzxbw | Pmovzxbd | Pmovzxbq | Pmovzxwd | Pmovzxwq | Pmovzxdq => Form::Vector,
        Addps | Addpd | Subps | Subpd | Mulps | Mulpd | Divps | Divpd | Minps | Minpd | Maxps | Maxpd
        | Sqrtps | Sqrtpd | Cmpps | Cmppd | Roundps | Roundpd | Andps | Andpd | Andnps | Andnpd | Orps | Orpd
        | Xorps | Xorpd | Blendvps | Blendvpd | Shufps | Shufpd | Unpcklps | Unpcklpd | Unpckhps | Rcpps | Rsqrtps
        | Cvtdq2ps | Cvtdq2pd | Cvtps2pd | Cvtpd2ps | Cvttps2dq | Cvttpd2dq
        | Pabsb | Pabsw | Pabsd | Packssdw | Packsswb | Packusdw | Packuswb | Paddb | Paddw | Paddd | Paddq
        | Paddsb | Paddsw | Paddusb | Paddusw | Palignr | Pand | Pandn | Pavgb | Pavgw | Pblendvb | Pblendw
        | Pcmpeqb | Pcmpeqw | Pcmpeqd | Pcmpeqq | Pcmpgtb | Pcmpgtw | Pcmpgtd | Pcmpgtq | Phaddw | Phaddd
        | Pmaddubsw | Pmaddwd | Pmaxsb | Pmaxsw | Pmaxsd | Pmaxub | Pmaxuw | Pmaxud | Pminsb | Pminsw | Pminsd
        | Pminub | Pminuw | Pminud | Pmuldq | Pmulhrsw | Pmulhuw | Pmulhw | Pmulld | Pmullw | Pmuludq | Por
        | Pshufb | Pshufd | Pshufhw | Pshuflw | Pslld | Psllq | Psllw | Psrad | Psraw | Psrld | Psrlq | Psrlw
        | Psubb | Psubw | Psubd | Psubq | Psubsb | Psubsw | Psubusb | Psubusw | Punpckhbw | Punpckhwd
        | Punpckhdq | Punpckhqdq | Punpcklbw | Punpcklwd | Punpckldq | Punpcklqdq | Pxor
            => Form::AlignedVector,
        Vmovd | Vmovq | Vmovss | Vmovsd | Vmovups | Vmovupd | Vmovdqu | Vmovhps | Vmovlhps | Vmovddup
        | Vmovmskps | Vmovmskpd | Vpmovmskb | Vcvtsd2si | Vcvtsd2ss | Vcvtsi2sd | Vcvtsi2ss | Vcvtss2sd
        | Vcvtss2si | Vcvttsd2si | Vcvttss2si | Vaddss | Vaddsd | Vsubss | Vsubsd | Vmulss | Vmulsd | Vdivss
        | Vdivsd | Vminss | Vminsd | Vmaxss | Vmaxsd | Vsqrtss | Vsqrtsd | Vcmpss | Vcmpsd | Vroundss
        | Vroundsd | Vextractps | Vinsertps | Vrcpss | Vrsqrtss | Vpextrb | Vpextrw | Vpextrd | Vpextrq
        | Vpinsrb | Vpinsrw | Vpinsrd | Vpinsrq | Vpmovsxbw | Vpmovsxbd | Vpmovsxbq | Vpmovsxwd | Vpmovsxwq
        | Vpmovsxdq | Vpmovzxbw | Vpmovzxbd | Vpmovzxbq | Vpmovzxwd | Vpmovzxwq | Vpmovzxdq
        | Vaddps | Vaddpd | Vsubps | Vsubpd | Vmulps | Vmulpd | Vdivps | Vdivpd | Vminps | Vminpd | Vmaxps
        | Vmaxpd | Vsqrtps | Vsqrtpd | Vcmpps | Vcmppd | Vroundps | Vroundpd | Vandps | Vandpd | Vandnps
        | Vandnpd | Vorps | Vxorps | Vxorpd | Vorpd | Vblendvps | Vblendvpd | Vshufps | Vshufpd | Vunpcklps
        | Vunpcklpd | Vunpckhps | Vrcpps | Vrsqrtps | Vbroadcastss | Vcvtdq2ps | Vcvtdq2pd | Vcvtps2pd
        | Vcvtpd2ps | Vcvttps2dq | Vcvttpd2dq | Vcvtudq2ps
        | Vpabsb | Vpabsw | Vpabsd | Vpabsq | Vpackssdw | Vpacksswb | Vpackusdw | Vpackuswb | Vpaddb | Vpaddw
        | Vpaddd | Vpaddq | Vpaddsb | Vpaddsw | Vpaddusb | Vpaddusw | Vpalignr | Vpand | Vpandn | Vpavgb
        | Vpavgw | Vpblendvb | Vpblendw | Vpbroadcastb | Vpbroadcastw | Vpbroadcastd | Vpbroadcastq
        | Vpcmpeqb | Vpcmpeqw | Vpcmpeqd | Vpcmpeqq | Vpcmpgtb | Vpcmpgtw | Vpcmpgtd | Vpcmpgtq | Vpdpbusd
        | Vpermi2b | Vphaddw | Vphaddd | Vpmaddubsw | Vpmaddwd | Vpmaxsb | Vpmaxsw | Vpmaxsd | Vpmaxub | Vpmaxuw
        | Vpmaxud | Vpminsb | Vpminsw | Vpminsd | Vpminub | Vpminuw | Vpminud | Vpmuldq | Vpmulhrsw | Vpmulhuw
        | Vpmulhw | Vpmulld | Vpmullw | Vpmullq | Vpmuludq | Vpopcntb | Vpopcntw | Vpopcntd | Vpopcntq | Vpor
        | Vpshufb | Vpshufd | Vpshufhw | Vpshuflw | Vpslld | Vpsllq | Vpsllw | Vpsrad | Vpsraq | Vpsraw
        | Vpsrld | Vpsrlq | Vpsrlw | Vpsubb | Vpsubw | Vpsubd | Vpsubq | Vpsubsb | Vpsubsw | Vpsubusb
        | Vpsubusw | Vpunpckhbw | Vpunpckhwd | Vpunpckhdq | Vpunpckhqdq | Vpunpcklbw | Vpunpcklwd | Vpunpckldq
        | Vpunpcklqdq | Vpxor
        | Vfmadd132ps | Vfmadd132pd | Vfmadd132ss | Vfmadd132sd | Vfmadd213ps | Vfmadd213pd | Vfmadd213ss
        | Vfmadd213sd | Vfmadd231ps | Vfmadd231pd | Vfmadd231ss | Vfmadd231sd | Vfmsub132ps | Vfmsub132pd
        | Vfmsub132ss | Vfmsub132sd | Vfmsub213ps | Vfmsub213pd | Vfmsub213ss | Vfmsub213sd | Vfmsub231ps
        | Vfmsub231pd | Vfmsub231ss | Vfmsub231sd | Vfnmadd132ps | Vfnmadd132pd | Vfnmadd132ss | Vfnmadd132sd
        | Vfnmadd213ps | Vfnmadd213pd | Vfnmadd213ss | Vfnmadd213sd | Vfnmadd231ps | Vfnmadd231pd
        | Vfnmadd231ss | Vfnmadd231sd | Vfnmsub132ps | Vfnmsub132pd | Vfnmsub132ss | Vfnmsub132sd
        | Vfnmsub213ps | Vfnmsub213pd | Vfnmsub213ss | Vfnmsub213sd | Vfnmsub231ps | Vfnmsub231pd
        | Vfnmsub231ss | Vfnmsub231sd => Form::Vector,
        _ => return None,
    })
    .filter(|_| names_ordinary_registers(instruction))
}

/// Whether a branch leads to a place of the text or to what a register holds.
fn is_near(instruction: &Instruction) -> bool {
    matches!(instruction.op0_kind(), OpKind::NearBranch64 | OpKind::Register)
}

/// Whether operands are general-purpose and 128-bit vector registers only, neither masked nor rounded by the
/// instruction.
fn names_ordinary_registers(instruction: &Instruction) -> bool {
    let is_xmm =
        |register: Register| (Register::XMM0 as u32..=Register::XMM15 as u32).contains(&(register as u32));
    let is_ordinary = |operand: u32| match instruction.op_kind(operand) {
        OpKind::Register => {
            let register = instruction.op_register(operand);
            gpr(register).is_some() || is_xmm(register)
        }
        // Those that string instructions have are other kinds.
        OpKind::Memory | OpKind::NearBranch64 => true,
        _ => instruction.try_immediate(operand).is_ok(),
    };
    (0..instruction.op_count()).all(is_ordinary)
        && instruction.op_mask() == Register::None
        && instruction.rounding_control() == RoundingControl::None
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmaot_abi::cpu::{self as cpu_abi, KNOWN};

    fn decoded(bytes: &[u8]) -> Result<Form, Property> {
        Instructions::new(bytes, 0, bytes.len() as u32, KNOWN)
            .next()
            .map(|(_, form)| form)
            .map_err(|problem| problem.property())
    }

    #[test]
    fn ordinary_instructions_are_known() {
        for (bytes, form) in [
            (&[0x89, 0xf6][..], Form::Move),
            (&[0x8b, 0x44, 0x37, 0x10], Form::Move),
            (&[0x66, 0x0f, 0x6f, 0xc1], Form::AlignedVector),
            (&[0xf3, 0x0f, 0xb8, 0xc1], Form::Other),
            (&[0xf0, 0x0f, 0xc1, 0x04, 0x37], Form::ExchangeAdd),
            (&[0x41, 0xff, 0xd3], Form::Call),
            (&[0x0f, 0x0b], Form::Trap),
        ] {
            assert_eq!(decoded(bytes), Ok(form), "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_not_on_the_list_is_refused() {
        for (what, bytes) in [
            ("syscall", &[0x0f, 0x05][..]),
            ("sysenter", &[0x0f, 0x34]),
            ("int 0x80", &[0xcd, 0x80]),
            ("int3", &[0xcc]),
            ("popf", &[0x9d]),
            ("std", &[0xfd]),
            ("ldmxcsr", &[0x0f, 0xae, 0x17]),
            ("fld", &[0xd9, 0x07]),
            ("movq mm0", &[0x0f, 0x6f, 0xc1]),
            ("wrfsbase", &[0xf3, 0x48, 0x0f, 0xae, 0xd0]),
            ("wrpkru", &[0x0f, 0x01, 0xef]),
            ("xrstor", &[0x0f, 0xae, 0x2f]),
            ("rep movsb", &[0xf3, 0xa4]),
            ("movsd of strings", &[0xa5]),
            ("cmpsd of strings", &[0xa7]),
            ("mov fs", &[0x8e, 0xe0]),
            ("mov cr0", &[0x0f, 0x22, 0xc0]),
            ("jump through memory", &[0xff, 0x27]),
            ("256 bits", &[0xc5, 0xfc, 0x58, 0xc1]),
            ("fs:", &[0x64, 0x8b, 0x07]),
            ("address size", &[0x67, 0x8b, 0x07]),
            ("loop", &[0xe2, 0xfe]),
            ("jrcxz", &[0xe3, 0xfe]),
            ("far call", &[0xff, 0x1f]),
            ("enter", &[0xc8, 0, 0, 0]),
            ("hlt", &[0xf4]),
            ("cpuid", &[0x0f, 0xa2]),
            ("rdtsc", &[0x0f, 0x31]),
            ("vzeroupper and the like", &[0xc5, 0xf8, 0x77]),
            ("maskmovdqu", &[0x66, 0x0f, 0xf7, 0xc1]),
            ("a gather", &[0xc4, 0xe2, 0x71, 0x90, 0x04, 0x17]),
        ] {
            assert_eq!(decoded(bytes), Err(Property::Instructions), "{what}");
        }
    }

    #[test]
    fn prefixes_that_processors_disagree_on_are_refused() {
        for (what, bytes) in [
            ("operand size of a call", &[0x66, 0xe8, 0, 0, 0, 0][..]),
            ("operand size of a branch", &[0x66, 0x0f, 0x84, 0, 0, 0, 0]),
            ("repeated return", &[0xf3, 0xc3]),
            ("bounds prefix of a branch", &[0xf2, 0xe9, 0, 0, 0, 0]),
            ("a prefix twice", &[0x66, 0x66, 0x89, 0xf6]),
            ("REX before a prefix", &[0x48, 0x66, 0x89, 0xf6]),
            ("REX twice", &[0x48, 0x48, 0x89, 0xf6]),
            ("two prefixes of one opcode", &[0x66, 0xf2, 0x0f, 0x58, 0xc1]),
            ("repeat of an addition", &[0xf3, 0x01, 0xf6]),
            ("lock of a register", &[0xf0, 0x01, 0xf6]),
            ("VEX behind a prefix", &[0x66, 0xc5, 0xf8, 0x58, 0xc1]),
        ] {
            assert_eq!(decoded(bytes), Err(Property::Instructions), "{what}");
        }
    }

    #[test]
    fn instructions_need_what_the_header_claims() {
        for (what, bytes, least) in [
            ("paddd", &[0x66, 0x0f, 0xfe, 0xc1][..], 0),
            ("cmovb", &[0x0f, 0x42, 0xc1], 0),
            ("tzcnt", &[0xf3, 0x0f, 0xbc, 0xc1], cpu_abi::BMI1),
            ("lzcnt", &[0xf3, 0x0f, 0xbd, 0xc1], cpu_abi::LZCNT),
            ("popcnt", &[0xf3, 0x0f, 0xb8, 0xc1], cpu_abi::POPCNT),
            ("pshufb", &[0x66, 0x0f, 0x38, 0x00, 0xc1], cpu_abi::SSSE3),
            ("pmulld", &[0x66, 0x0f, 0x38, 0x40, 0xc1], cpu_abi::SSE41),
            ("pcmpgtq", &[0x66, 0x0f, 0x38, 0x37, 0xc1], cpu_abi::SSE42),
            ("movddup", &[0xf2, 0x0f, 0x12, 0xc1], cpu_abi::SSE3),
            ("vaddps", &[0xc5, 0xf0, 0x58, 0xc1], cpu_abi::AVX),
            ("vpbroadcastd", &[0xc4, 0xe2, 0x79, 0x58, 0xc1], cpu_abi::AVX2),
            ("vfmadd213ps", &[0xc4, 0xe2, 0x71, 0xa8, 0xc1], cpu_abi::FMA),
            ("shlx", &[0xc4, 0xe2, 0x79, 0xf7, 0xc1], cpu_abi::BMI2),
            ("vpmullq", &[0x62, 0xf2, 0xf5, 0x08, 0x40, 0xc1], cpu_abi::AVX512VL | cpu_abi::AVX512DQ),
            ("vpabsq", &[0x62, 0xf2, 0xfd, 0x08, 0x1f, 0xc1], cpu_abi::AVX512VL | cpu_abi::AVX512F),
        ] {
            let decoded = |features| Instructions::new(bytes, 0, bytes.len() as u32, features).next();
            assert!(decoded(least).is_ok(), "{what}");
            let mut bits = (0..64).map(|bit| 1 << bit).filter(|bit| least & bit != 0);
            assert!(bits.all(|bit| decoded(KNOWN & !bit).is_err()), "{what}");
        }
    }

    #[test]
    fn registers_have_numbers() {
        for (register, number) in [
            (Register::AL, (0, 8)),
            (Register::BL, (3, 8)),
            (Register::AH, (0, 8)),
            (Register::BH, (3, 8)),
            (Register::SPL, (4, 8)),
            (Register::DIL, (7, 8)),
            (Register::R15L, (15, 8)),
            (Register::AX, (0, 16)),
            (Register::R8W, (8, 16)),
            (Register::ESP, (4, 32)),
            (Register::R15D, (15, 32)),
            (Register::RDI, (7, 64)),
            (Register::R15, (15, 64)),
        ] {
            assert_eq!(gpr(register), Some(number));
        }
        assert_eq!(gpr(Register::XMM0), None);
        assert_eq!(gpr(Register::None), None);
        assert_eq!(gpr(Register::RIP), None);
    }
}
