//! The table of operators: one arm, one line. Bodies are in the family's file. Those on vectors have a table
//! of their own.

use super::round::Rounding;
use super::translator::Translator;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{AtomicRmwOp, InstBuilder, Opcode, types};
use wasmaot_abi::builtin::Builtin;
use wasmparser::Operator;

const F32: types::Type = types::F32;
const F64: types::Type = types::F64;
const I8: types::Type = types::I8;
const I16: types::Type = types::I16;
const I32: types::Type = types::I32;
const I64: types::Type = types::I64;
const I128: types::Type = types::I128;

impl Translator<'_, '_> {
    /// Translates one operator.
    #[rustfmt::skip]
    pub(super) fn operator(&mut self, op: &Operator<'_>) {
        use Operator as O;
        // These follow the nesting of blocks, also where nothing can be reached.
        match *op {
            O::Block { blockty } => return self.block(blockty),
            O::Loop { blockty } => return self.loop_(blockty),
            O::If { blockty } => return self.if_(blockty),
            O::Else => return self.else_(),
            O::End => return self.end(),
            O::TryTable { ref try_table } => return self.try_table(try_table),
            O::Try { blockty } => return self.legacy_try(blockty),
            O::Catch { tag_index } => return self.legacy_catch(Some(tag_index.into())),
            O::CatchAll => return self.legacy_catch(None),
            O::Delegate { .. } => return self.end(),
            _ if !self.reachable => return,
            _ => {}
        }
        match *op {
            O::Nop => {}
            O::Unreachable => self.unreachable(),
            O::Br { relative_depth } => self.br(relative_depth),
            O::BrIf { relative_depth } => self.br_if(relative_depth),
            O::BrTable { ref targets } => self.br_table(targets),
            O::Return => self.return_(),
            O::Call { function_index } => self.call(function_index.into()),
            O::CallIndirect { type_index, table_index } => self.call_indirect(type_index.into(), table_index.into()),
            O::Throw { tag_index } => self.throw(tag_index.into()),
            O::ThrowRef => self.throw_ref(),
            O::Rethrow { relative_depth } => self.rethrow(relative_depth),
            O::ReturnCall { function_index } => self.return_call(function_index.into()),
            O::ReturnCallIndirect { type_index, table_index } => self.return_call_indirect(type_index.into(), table_index.into()),
            O::CallRef { type_index } => self.call_ref(type_index.into()),
            O::ReturnCallRef { type_index } => self.return_call_ref(type_index.into()),
            O::Drop => { self.pop(); }
            O::Select | O::TypedSelect { .. } => self.select(),

            O::LocalGet { local_index } => self.local_get(local_index),
            O::LocalSet { local_index } => self.local_set(local_index),
            O::LocalTee { local_index } => self.local_tee(local_index),
            O::GlobalGet { global_index } => self.global_get(global_index.into()),
            O::GlobalSet { global_index } => self.global_set(global_index.into()),

            O::RefNull { hty } => self.ref_null(hty),
            O::RefIsNull => self.ref_is_null(),
            O::RefAsNonNull => self.ref_as_non_null(),
            O::BrOnNull { relative_depth } => self.br_on_null(relative_depth),
            O::BrOnNonNull { relative_depth } => self.br_on_non_null(relative_depth),
            O::RefFunc { function_index } => self.ref_func(function_index.into()),
            O::TableGet { table } => self.table_get(table.into()),
            O::TableSet { table } => self.table_set(table.into()),
            O::TableSize { table } => self.table_size(table.into()),
            O::TableGrow { table } => self.table_grow(table.into()),
            O::TableFill { table } => self.table_fill(table.into()),
            O::TableCopy { dst_table, src_table } => self.table_copy(dst_table.into(), src_table.into()),
            O::TableInit { elem_index, table } => self.table_init(elem_index.into(), table.into()),
            O::ElemDrop { elem_index } => self.elem_drop(elem_index.into()),

            O::I32Load { memarg } => self.load(&memarg, I32),
            O::I64Load { memarg } => self.load(&memarg, I64),
            O::F32Load { memarg } => self.load(&memarg, F32),
            O::F64Load { memarg } => self.load(&memarg, F64),
            O::I32Load8S { memarg } => self.load_extended(&memarg, Opcode::Sload8, I32),
            O::I32Load8U { memarg } => self.load_extended(&memarg, Opcode::Uload8, I32),
            O::I32Load16S { memarg } => self.load_extended(&memarg, Opcode::Sload16, I32),
            O::I32Load16U { memarg } => self.load_extended(&memarg, Opcode::Uload16, I32),
            O::I64Load8S { memarg } => self.load_extended(&memarg, Opcode::Sload8, I64),
            O::I64Load8U { memarg } => self.load_extended(&memarg, Opcode::Uload8, I64),
            O::I64Load16S { memarg } => self.load_extended(&memarg, Opcode::Sload16, I64),
            O::I64Load16U { memarg } => self.load_extended(&memarg, Opcode::Uload16, I64),
            O::I64Load32S { memarg } => self.load_extended(&memarg, Opcode::Sload32, I64),
            O::I64Load32U { memarg } => self.load_extended(&memarg, Opcode::Uload32, I64),
            O::I32Store { memarg } | O::I64Store { memarg } | O::F32Store { memarg } | O::F64Store { memarg } => self.store(&memarg),
            O::I32Store8 { memarg } | O::I64Store8 { memarg } => self.store_narrow(&memarg, Opcode::Istore8),
            O::I32Store16 { memarg } | O::I64Store16 { memarg } => self.store_narrow(&memarg, Opcode::Istore16),
            O::I64Store32 { memarg } => self.store_narrow(&memarg, Opcode::Istore32),
            O::MemorySize { mem } => self.memory_size(mem.into()),
            O::MemoryGrow { mem } => self.memory_grow(mem.into()),
            O::MemoryFill { mem } => self.memory_fill(mem.into()),
            O::MemoryCopy { dst_mem, src_mem } => self.memory_copy(dst_mem.into(), src_mem.into()),
            O::MemoryInit { data_index, mem } => self.memory_init(data_index.into(), mem.into()),
            O::DataDrop { data_index } => self.data_drop(data_index.into()),

            O::AtomicFence => self.atomic_fence(),
            O::MemoryAtomicWait32 { memarg } => self.atomic_wait(&memarg, Builtin::MemoryWait32),
            O::MemoryAtomicWait64 { memarg } => self.atomic_wait(&memarg, Builtin::MemoryWait64),
            O::MemoryAtomicNotify { memarg } => self.atomic_notify(&memarg),
            O::I32AtomicLoad { memarg } => self.atomic_load(&memarg, I32, I32),
            O::I64AtomicLoad { memarg } => self.atomic_load(&memarg, I64, I64),
            O::I32AtomicLoad8U { memarg } => self.atomic_load(&memarg, I8, I32),
            O::I32AtomicLoad16U { memarg } => self.atomic_load(&memarg, I16, I32),
            O::I64AtomicLoad8U { memarg } => self.atomic_load(&memarg, I8, I64),
            O::I64AtomicLoad16U { memarg } => self.atomic_load(&memarg, I16, I64),
            O::I64AtomicLoad32U { memarg } => self.atomic_load(&memarg, I32, I64),
            O::I64AtomicStore { memarg } => self.atomic_store(&memarg, I64),
            O::I32AtomicStore { memarg } | O::I64AtomicStore32 { memarg } => self.atomic_store(&memarg, I32),
            O::I32AtomicStore16 { memarg } | O::I64AtomicStore16 { memarg } => self.atomic_store(&memarg, I16),
            O::I32AtomicStore8 { memarg } | O::I64AtomicStore8 { memarg } => self.atomic_store(&memarg, I8),
            O::I64AtomicRmwAdd { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Add, I64),
            O::I32AtomicRmwAdd { memarg } | O::I64AtomicRmw32AddU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Add, I32),
            O::I32AtomicRmw16AddU { memarg } | O::I64AtomicRmw16AddU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Add, I16),
            O::I32AtomicRmw8AddU { memarg } | O::I64AtomicRmw8AddU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Add, I8),
            O::I64AtomicRmwSub { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Sub, I64),
            O::I32AtomicRmwSub { memarg } | O::I64AtomicRmw32SubU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Sub, I32),
            O::I32AtomicRmw16SubU { memarg } | O::I64AtomicRmw16SubU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Sub, I16),
            O::I32AtomicRmw8SubU { memarg } | O::I64AtomicRmw8SubU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Sub, I8),
            O::I64AtomicRmwAnd { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::And, I64),
            O::I32AtomicRmwAnd { memarg } | O::I64AtomicRmw32AndU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::And, I32),
            O::I32AtomicRmw16AndU { memarg } | O::I64AtomicRmw16AndU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::And, I16),
            O::I32AtomicRmw8AndU { memarg } | O::I64AtomicRmw8AndU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::And, I8),
            O::I64AtomicRmwOr { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Or, I64),
            O::I32AtomicRmwOr { memarg } | O::I64AtomicRmw32OrU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Or, I32),
            O::I32AtomicRmw16OrU { memarg } | O::I64AtomicRmw16OrU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Or, I16),
            O::I32AtomicRmw8OrU { memarg } | O::I64AtomicRmw8OrU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Or, I8),
            O::I64AtomicRmwXor { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Xor, I64),
            O::I32AtomicRmwXor { memarg } | O::I64AtomicRmw32XorU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Xor, I32),
            O::I32AtomicRmw16XorU { memarg } | O::I64AtomicRmw16XorU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Xor, I16),
            O::I32AtomicRmw8XorU { memarg } | O::I64AtomicRmw8XorU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Xor, I8),
            O::I64AtomicRmwXchg { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Xchg, I64),
            O::I32AtomicRmwXchg { memarg } | O::I64AtomicRmw32XchgU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Xchg, I32),
            O::I32AtomicRmw16XchgU { memarg } | O::I64AtomicRmw16XchgU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Xchg, I16),
            O::I32AtomicRmw8XchgU { memarg } | O::I64AtomicRmw8XchgU { memarg } => self.atomic_rmw(&memarg, AtomicRmwOp::Xchg, I8),
            O::I64AtomicRmwCmpxchg { memarg } => self.atomic_cmpxchg(&memarg, I64),
            O::I32AtomicRmwCmpxchg { memarg } | O::I64AtomicRmw32CmpxchgU { memarg } => self.atomic_cmpxchg(&memarg, I32),
            O::I32AtomicRmw16CmpxchgU { memarg } | O::I64AtomicRmw16CmpxchgU { memarg } => self.atomic_cmpxchg(&memarg, I16),
            O::I32AtomicRmw8CmpxchgU { memarg } | O::I64AtomicRmw8CmpxchgU { memarg } => self.atomic_cmpxchg(&memarg, I8),

            O::I32Const { value } => { let v = self.builder.ins().iconst(I32, i64::from(value as u32)); self.push(v) }
            O::I64Const { value } => { let v = self.builder.ins().iconst(I64, value); self.push(v) }
            O::F32Const { value } => { let v = self.builder.ins().f32const(f32::from_bits(value.bits())); self.push(v) }
            O::F64Const { value } => { let v = self.builder.ins().f64const(f64::from_bits(value.bits())); self.push(v) }

            O::I32Eqz | O::I64Eqz => self.eqz(),
            O::I32Eq | O::I64Eq => self.icmp(IntCC::Equal),
            O::I32Ne | O::I64Ne => self.icmp(IntCC::NotEqual),
            O::I32LtS | O::I64LtS => self.icmp(IntCC::SignedLessThan),
            O::I32LtU | O::I64LtU => self.icmp(IntCC::UnsignedLessThan),
            O::I32GtS | O::I64GtS => self.icmp(IntCC::SignedGreaterThan),
            O::I32GtU | O::I64GtU => self.icmp(IntCC::UnsignedGreaterThan),
            O::I32LeS | O::I64LeS => self.icmp(IntCC::SignedLessThanOrEqual),
            O::I32LeU | O::I64LeU => self.icmp(IntCC::UnsignedLessThanOrEqual),
            O::I32GeS | O::I64GeS => self.icmp(IntCC::SignedGreaterThanOrEqual),
            O::I32GeU | O::I64GeU => self.icmp(IntCC::UnsignedGreaterThanOrEqual),
            O::F32Eq | O::F64Eq => self.fcmp(FloatCC::Equal),
            O::F32Ne | O::F64Ne => self.fcmp(FloatCC::NotEqual),
            O::F32Lt | O::F64Lt => self.fcmp(FloatCC::LessThan),
            O::F32Gt | O::F64Gt => self.fcmp(FloatCC::GreaterThan),
            O::F32Le | O::F64Le => self.fcmp(FloatCC::LessThanOrEqual),
            O::F32Ge | O::F64Ge => self.fcmp(FloatCC::GreaterThanOrEqual),

            O::I32Clz | O::I64Clz => self.unary(|b, x| b.clz(x)),
            O::I32Ctz | O::I64Ctz => self.unary(|b, x| b.ctz(x)),
            O::I32Popcnt | O::I64Popcnt => self.unary(|b, x| b.popcnt(x)),
            O::I32Add | O::I64Add => self.binary(|b, x, y| b.iadd(x, y)),
            O::I32Sub | O::I64Sub => self.binary(|b, x, y| b.isub(x, y)),
            O::I32Mul | O::I64Mul => self.binary(|b, x, y| b.imul(x, y)),
            O::I32DivS | O::I64DivS => self.binary(|b, x, y| b.sdiv(x, y)),
            O::I32DivU | O::I64DivU => self.binary(|b, x, y| b.udiv(x, y)),
            O::I32RemS | O::I64RemS => self.binary(|b, x, y| b.srem(x, y)),
            O::I32RemU | O::I64RemU => self.binary(|b, x, y| b.urem(x, y)),
            O::I32And | O::I64And => self.binary(|b, x, y| b.band(x, y)),
            O::I32Or | O::I64Or => self.binary(|b, x, y| b.bor(x, y)),
            O::I32Xor | O::I64Xor => self.binary(|b, x, y| b.bxor(x, y)),
            O::I32Shl | O::I64Shl => self.binary(|b, x, y| b.ishl(x, y)),
            O::I32ShrS | O::I64ShrS => self.binary(|b, x, y| b.sshr(x, y)),
            O::I32ShrU | O::I64ShrU => self.binary(|b, x, y| b.ushr(x, y)),
            O::I32Rotl | O::I64Rotl => self.binary(|b, x, y| b.rotl(x, y)),
            O::I32Rotr | O::I64Rotr => self.binary(|b, x, y| b.rotr(x, y)),

            O::I64Add128 => self.wide_binary(|b, x, y| b.iadd(x, y)),
            O::I64Sub128 => self.wide_binary(|b, x, y| b.isub(x, y)),
            O::I64MulWideS => self.wide_product(|b, x| b.sextend(I128, x)),
            O::I64MulWideU => self.wide_product(|b, x| b.uextend(I128, x)),

            O::F32Abs | O::F64Abs => self.unary(|b, x| b.fabs(x)),
            O::F32Neg | O::F64Neg => self.unary(|b, x| b.fneg(x)),
            O::F32Sqrt | O::F64Sqrt => self.unary(|b, x| b.sqrt(x)),
            O::F32Ceil | O::F64Ceil => self.round(Rounding::Up),
            O::F32Floor | O::F64Floor => self.round(Rounding::Down),
            O::F32Trunc | O::F64Trunc => self.round(Rounding::TowardZero),
            O::F32Nearest | O::F64Nearest => self.round(Rounding::NearestEven),
            O::F32Add | O::F64Add => self.binary(|b, x, y| b.fadd(x, y)),
            O::F32Sub | O::F64Sub => self.binary(|b, x, y| b.fsub(x, y)),
            O::F32Mul | O::F64Mul => self.binary(|b, x, y| b.fmul(x, y)),
            O::F32Div | O::F64Div => self.binary(|b, x, y| b.fdiv(x, y)),
            O::F32Min | O::F64Min => self.binary(|b, x, y| b.fmin(x, y)),
            O::F32Max | O::F64Max => self.binary(|b, x, y| b.fmax(x, y)),
            O::F32Copysign | O::F64Copysign => self.binary(|b, x, y| b.fcopysign(x, y)),

            O::I32WrapI64 => self.unary(|b, x| b.ireduce(I32, x)),
            O::I64ExtendI32S => self.unary(|b, x| b.sextend(I64, x)),
            O::I64ExtendI32U => self.unary(|b, x| b.uextend(I64, x)),
            O::I32Extend8S | O::I64Extend8S => self.sign_extend_low(I8),
            O::I32Extend16S | O::I64Extend16S => self.sign_extend_low(I16),
            O::I64Extend32S => self.sign_extend_low(I32),
            O::I32TruncF32S | O::I32TruncF64S => self.unary(|b, x| b.fcvt_to_sint(I32, x)),
            O::I32TruncF32U | O::I32TruncF64U => self.unary(|b, x| b.fcvt_to_uint(I32, x)),
            O::I64TruncF32S | O::I64TruncF64S => self.unary(|b, x| b.fcvt_to_sint(I64, x)),
            O::I64TruncF32U | O::I64TruncF64U => self.unary(|b, x| b.fcvt_to_uint(I64, x)),
            O::I32TruncSatF32S | O::I32TruncSatF64S => self.unary(|b, x| b.fcvt_to_sint_sat(I32, x)),
            O::I32TruncSatF32U | O::I32TruncSatF64U => self.unary(|b, x| b.fcvt_to_uint_sat(I32, x)),
            O::I64TruncSatF32S | O::I64TruncSatF64S => self.unary(|b, x| b.fcvt_to_sint_sat(I64, x)),
            O::I64TruncSatF32U | O::I64TruncSatF64U => self.unary(|b, x| b.fcvt_to_uint_sat(I64, x)),
            O::F32ConvertI32S | O::F32ConvertI64S => self.unary(|b, x| b.fcvt_from_sint(F32, x)),
            O::F32ConvertI32U | O::F32ConvertI64U => self.unary(|b, x| b.fcvt_from_uint(F32, x)),
            O::F64ConvertI32S | O::F64ConvertI64S => self.unary(|b, x| b.fcvt_from_sint(F64, x)),
            O::F64ConvertI32U | O::F64ConvertI64U => self.unary(|b, x| b.fcvt_from_uint(F64, x)),
            O::F32DemoteF64 => self.unary(|b, x| b.fdemote(F32, x)),
            O::F64PromoteF32 => self.unary(|b, x| b.fpromote(F64, x)),
            O::I32ReinterpretF32 => self.reinterpret(I32),
            O::I64ReinterpretF64 => self.reinterpret(I64),
            O::F32ReinterpretI32 => self.reinterpret(F32),
            O::F64ReinterpretI64 => self.reinterpret(F64),

            ref other => self.vector_operator(other),
        }
    }
}
