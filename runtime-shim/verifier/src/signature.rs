//! Where functions take their parameters and put their results: the tail convention, by type.
//!
//! ```text
//!  integers and references   rdi rsi rdx rcx r8 r9, then the stack       rax rcx rdx rsi rdi r8 r9 r10, then cells
//!  floats and vectors        xmm0 .. xmm7, then the stack                xmm0 .. xmm7, then cells
//! ```
//!
//! The vmctx is the first parameter, behind a hidden one if results take cells: their address. Values on the
//! stack and in cells take 8 bytes, vectors 16, and are aligned to their size; both areas to 16 bytes. The
//! callee removes its parameters from the stack.

use crate::registers::{RAX, RCX, RDI, RDX, RSI};
use wasmaot_abi::code::Helper;
use wasmaot_abi::types::{FuncType, RefType, ValType};

const PARAMETERS: [u8; 6] = [RDI, RSI, RDX, RCX, 8, 9];
const RESULTS: [u8; 8] = [RAX, RCX, RDX, RSI, RDI, 8, 9, 10];
const VECTORS: usize = 8;

/// The registers in which code of the system's convention takes integers.
pub(crate) const SYSTEM: [u8; 6] = PARAMETERS;

/// Where a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// In a general-purpose register.
    Register(u8),
    /// In a vector register.
    Vector,
    /// On the stack or in cells, this many bytes from their start.
    Memory(u32),
}

/// A convention for functions of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    /// The register of the vmctx, unless it has none.
    pub(crate) vmctx: Option<u8>,
    /// Bytes of parameters on the stack.
    pub(crate) stack: u32,
    /// Bytes of cells for results, whose address is in rdi if there are any.
    pub(crate) cells: u32,
    /// Parameters that are references to functions.
    pub(crate) func_params: Vec<(At, RefType)>,
    /// Results that are references to functions.
    pub(crate) func_results: Vec<(At, RefType)>,
}

/// Places values in order.
struct Places {
    registers: &'static [u8],
    vectors: usize,
    bytes: u32,
}

impl Places {
    fn next(&mut self, ty: ValType) -> At {
        let size = if ty == ValType::V128 { 16 } else { 8 };
        match ty {
            ValType::F32 | ValType::F64 | ValType::V128 if self.vectors > 0 => {
                self.vectors -= 1;
                return At::Vector;
            }
            ValType::F32 | ValType::F64 | ValType::V128 => {}
            _ => {
                if let Some((&register, rest)) = self.registers.split_first() {
                    self.registers = rest;
                    return At::Register(register);
                }
            }
        }
        let at = self.bytes.next_multiple_of(size);
        self.bytes = at + size;
        At::Memory(at)
    }

    fn funcs(&mut self, types: &[ValType]) -> Vec<(At, RefType)> {
        let places = types.iter().map(|&ty| (self.next(ty), ty));
        let funcs = places.filter_map(|(at, ty)| match ty {
            ValType::Ref(ty) if ty.heap.is_func() => Some((at, ty)),
            _ => None,
        });
        funcs.collect()
    }
}

impl Signature {
    /// That of a type.
    pub(crate) fn of(ty: &FuncType) -> Self {
        Self::new(&ty.params, &ty.results, true)
    }

    /// That of a helper.
    pub(crate) fn of_helper(helper: Helper) -> Self {
        match helper {
            Helper::Copy | Helper::Fill => Self::new(&[ValType::I32; 3], &[], true),
            Helper::Swizzle => Self::new(&[ValType::V128; 2], &[ValType::V128], false),
        }
    }

    /// That of array entries, which take a vmctx and the address of cells.
    pub(crate) fn of_array_entry() -> Self {
        Self { vmctx: Some(RDI), stack: 0, cells: 0, func_params: Vec::new(), func_results: Vec::new() }
    }

    fn new(params: &[ValType], results: &[ValType], has_vmctx: bool) -> Self {
        let mut places = Places { registers: &RESULTS, vectors: VECTORS, bytes: 0 };
        let func_results = places.funcs(results);
        let cells = places.bytes.next_multiple_of(16);
        let hidden = usize::from(cells > 0);
        let vmctx = has_vmctx.then(|| PARAMETERS[hidden]);
        let first = hidden + usize::from(has_vmctx);
        let mut places = Places { registers: &PARAMETERS[first..], vectors: VECTORS, bytes: 0 };
        let func_params = places.funcs(params);
        Self { vmctx, stack: places.bytes.next_multiple_of(16), cells, func_params, func_results }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_beyond_the_registers_take_cells_and_the_first_parameter() {
        let ty = FuncType { params: vec![ValType::I32], results: vec![ValType::I64; 9] };
        let signature = Signature::of(&ty);
        assert_eq!((signature.vmctx, signature.cells, signature.stack), (Some(RSI), 16, 0));
        let ty = FuncType { params: vec![ValType::FUNCREF; 7], results: vec![ValType::FUNCREF; 8] };
        let signature = Signature::of(&ty);
        assert_eq!((signature.vmctx, signature.cells, signature.stack), (Some(RDI), 0, 16));
        let places: Vec<At> = signature.func_params.iter().map(|param| param.0).collect();
        let registers = [RSI, RDX, RCX, 8, 9].map(At::Register);
        assert_eq!(places, [&registers[..], &[At::Memory(0), At::Memory(8)]].concat());
    }

    #[test]
    fn vectors_are_aligned() {
        let mut params = vec![ValType::F64; 9];
        params.push(ValType::V128);
        assert_eq!(Signature::of(&FuncType { params, results: vec![] }).stack, 32);
    }
}
