//! Reads and writes of instance state, at constant offsets from vmctx.
//!
//! Alias regions tell the optimiser that the heap, each global, the tables and the lengths do not overlap, so
//! that a store to one does not forget what was loaded from another. **Invariant: a region is
//! used for one kind of thing only.**

use super::env::Env;
use super::translator::Translator;
use crate::index::DefinedGlobalIndex;
use cranelift_codegen::ir::AbiParam;
use cranelift_codegen::ir::{
    self, AliasRegionData, Inst, InstBuilder, MemFlagsData, Signature, Type, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use wasmaot_abi::builtin::Builtin;

/// Things in memory that never overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Region {
    /// A linear memory. Memories may be the same one if imported twice, so they share a region.
    Heap,
    /// Bodies of tables.
    TableElements,
    /// Lengths of memories and tables.
    Lengths,
    /// Cells of imported globals, which may be the same one.
    ImportedGlobals,
    /// The cell of a defined global. It may be imported elsewhere, but not into this instance.
    Global(DefinedGlobalIndex),
    /// What never changes while an instance exists.
    Constants,
}

/// Globals beyond this many share a region: a CLIF function has room for 65,535 sets of flags.
const GLOBAL_REGIONS: u32 = 1024;

impl Region {
    fn data(self) -> AliasRegionData {
        let (user_id, description) = match self {
            Region::Heap => (0, "heap".into()),
            Region::TableElements => (1, "table elements".into()),
            Region::Lengths => (2, "lengths".into()),
            Region::ImportedGlobals => (3, "imported globals".into()),
            Region::Constants => (4, "constants".into()),
            Region::Global(index) => {
                let index = index.as_u32().min(GLOBAL_REGIONS);
                (5 + index, format!("global {index}").into())
            }
        };
        AliasRegionData { user_id, description }
    }
}

impl Translator<'_, '_> {
    /// Flags for a region that is always accessible.
    pub(super) fn flags(&mut self, region: Region) -> MemFlagsData {
        let known = self.builder.func.dfg.alias_regions.insert(region.data());
        let flags = MemFlagsData::trusted().with_alias_region(Some(known));
        if region == Region::Constants { flags.with_readonly().with_can_move() } else { flags }
    }

    /// Reads a state item.
    pub(super) fn load_state(&mut self, region: Region, ty: Type, offset: i32) -> Value {
        let flags = self.flags(region);
        self.builder.ins().load(ty, flags, self.vmctx, offset)
    }

    /// Writes a state item.
    pub(super) fn store_state(&mut self, region: Region, value: Value, offset: i32) {
        let flags = self.flags(region);
        self.builder.ins().store(flags, value, self.vmctx, offset);
    }

    /// Reads an address from the instance's constants.
    pub(super) fn load_constant(&mut self, offset: i32) -> Value {
        self.load_state(Region::Constants, types::I64, offset)
    }

    /// Reads the length whose address lies at this offset: that of something imported.
    pub(super) fn load_length_at(&mut self, offset: i32) -> Value {
        let cell = self.load_constant(offset);
        let flags = self.flags(Region::Lengths);
        self.builder.ins().load(types::I64, flags, cell, 0)
    }

    /// A load from a table of constants, such as that of the builtins.
    pub(super) fn load_from_constants(&mut self, ty: Type, base: Value, offset: i32) -> Value {
        let flags = self.flags(Region::Constants);
        self.builder.ins().load(ty, flags, base, offset)
    }

    /// A 64-bit constant.
    pub(super) fn const64(&mut self, value: u64) -> Value {
        self.builder.ins().iconst(types::I64, value as i64)
    }

    /// Zero-extends to 64 bits.
    pub(super) fn extend(&mut self, value: Value) -> Value {
        match self.builder.func.dfg.value_type(value) {
            types::I64 => value,
            ir::types::I32 => self.builder.ins().uextend(types::I64, value),
            other => unreachable!("{other} is not an integer operand"),
        }
    }
}

/// Flags of the instance's constants.
pub(super) const CONSTANT: MemFlagsData = MemFlagsData::trusted().with_readonly().with_can_move();

/// Calls a builtin outside of a Wasm function's body.
pub(super) fn builtin_call(
    b: &mut FunctionBuilder<'_>,
    env: &Env<'_>,
    builtin: Builtin,
    vmctx: Value,
    args: &[Value],
) -> Inst {
    debug_assert_eq!(args.len(), builtin.params());
    let signature = b.import_signature(builtin_signature(builtin));
    let table = b.ins().load(types::I64, CONSTANT, vmctx, env.layout.builtins());
    let code = b.ins().load(types::I64, CONSTANT, table, builtin.offset());
    b.ins().call_indirect(signature, code, args)
}

/// The signature of a builtin: 64-bit integers only.
pub(super) fn builtin_signature(builtin: Builtin) -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend((0..builtin.params()).map(|_| AbiParam::new(types::I64)));
    signature.returns.extend(builtin.returns().then(|| AbiParam::new(types::I64)));
    signature
}
