//! Rewrites modules so that they call through typed references, which the interpreter does not have: what they do stays the same.
//!
//! `call` and `return_call` become `ref.func` and `call_ref` or `return_call_ref`; in turn as it is, through a label whose operand may
//! be null, and after `ref.as_non_null`. Modules export all of their functions, so references to them are declared.

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{BlockType, CodeSection, HeapType, Instruction, Module, RefType, ValType};
use wasmparser::{FunctionBody, Operator, Parser, Payload, TypeRef};

/// What a side is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The module.
    AsGenerated,
    /// The module, rewritten.
    ThroughReferences,
}

impl Form {
    /// The module in this form.
    pub(crate) fn of(self, wasm: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Form::AsGenerated => Ok(wasm.to_vec()),
            Form::ThroughReferences => rewrite(wasm).map_err(|error| error.to_string()),
        }
    }
}

fn rewrite(wasm: &[u8]) -> Result<Vec<u8>, Error<std::convert::Infallible>> {
    let mut module = Module::new();
    let types = function_types(wasm)?;
    Rewriter { types, calls: 0 }.parse_core_module(&mut module, Parser::new(0), wasm)?;
    Ok(module.finish())
}

/// The index of each function's type.
fn function_types(wasm: &[u8]) -> wasmparser::Result<Vec<u32>> {
    let mut types = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if let TypeRef::Func(ty) = import?.ty {
                        types.push(ty);
                    }
                }
            }
            Payload::FunctionSection(functions) => {
                for ty in functions {
                    types.push(ty?);
                }
            }
            _ => {}
        }
    }
    Ok(types)
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
            way.iter().for_each(|instruction| {
                function.instruction(instruction);
            });
            function.instruction(&call(ty));
        }
        code.function(&function);
        Ok(())
    }
}
