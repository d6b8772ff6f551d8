//! Rewrites modules so that they call through typed references, which the interpreter does not have: what
//! they do stays the same.
//!
//! `call` and `return_call` become `ref.func` and `call_ref` or `return_call_ref`; in turn as it is, through
//! a label whose operand may be null, and after `ref.as_non_null`. Modules export all of their functions, so
//! references to them are declared.

use crate::rewrite::{Facts, emit};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{BlockType, CodeSection, HeapType, Instruction, Module, RefType, ValType};
use wasmparser::{FunctionBody, Operator, Parser};

/// Rewrites a module.
pub(crate) fn rewrite(wasm: &[u8]) -> Result<Vec<u8>, Error> {
    let mut module = Module::new();
    let types = Facts::of(wasm)?.functions;
    Rewriter { types, calls: 0 }.parse_core_module(&mut module, Parser::new(0), wasm)?;
    Ok(module.finish())
}

struct Rewriter {
    types: Vec<u32>,
    calls: usize,
}

impl Rewriter {
    /// A reference to a function on the operand stack, and its type.
    fn reference(&mut self, func: u32) -> (Vec<Instruction<'static>>, u32) {
        let ty = self.types[func as usize];
        let nullable = ValType::Ref(RefType { nullable: true, heap_type: HeapType::Concrete(ty) });
        let plain = Instruction::RefFunc(func);
        self.calls += 1;
        let way = match self.calls % 3 {
            0 => vec![plain],
            1 => vec![Instruction::Block(BlockType::Result(nullable)), plain, Instruction::End],
            _ => vec![plain, Instruction::RefAsNonNull],
        };
        (way, ty)
    }
}

impl Reencode for Rewriter {
    type Error = std::convert::Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error<Self::Error>> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let (func, call): (u32, fn(u32) -> Instruction<'static>) = match reader.read()? {
                Operator::Call { function_index } => (function_index, Instruction::CallRef),
                Operator::ReturnCall { function_index } => (function_index, Instruction::ReturnCallRef),
                other => {
                    function.instruction(&utils::instruction(self, other)?);
                    continue;
                }
            };
            let (way, ty) = self.reference(func);
            emit(&mut function, way.into_iter().chain([call(ty)]));
        }
        code.function(&function);
        Ok(())
    }
}
