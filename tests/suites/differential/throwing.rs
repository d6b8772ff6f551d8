//! Rewrites modules so that functions throw their results, which the interpreter does not have: what they do
//! stays the same.
//!
//! For each type of functions there is a tag with its results. A function is left as it is, or throws its
//! results to a handler of its own, or becomes an *inner* one at the end of the index space, which throws
//! them to what stands in its place; in the form of Wasm 3.0 or in the legacy one, and straight or through
//! another function that throws on what it catches. Traps and tail calls pass all of these.

use crate::rewrite::{Facts, emit};
use wasm_encoder::reencode::{Error, Reencode, RoundtripReencoder, utils};
use wasm_encoder::{
    BlockType, Catch, CodeSection, Function, FunctionSection, Instruction, Module, SectionId, TagKind,
    TagSection, TagType, TypeSection, ValType,
};
use wasmparser::{CodeSectionReader, FunctionBody, FunctionSectionReader, Parser, TypeSectionReader};

/// What becomes of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nothing.
    Plain,
    /// It catches what it throws itself.
    Within,
    /// An inner one throws. The others are of this kind.
    Across,
    /// Through a `throw_ref`.
    Again,
    /// To a legacy `catch`.
    Legacy,
    /// Through a legacy `rethrow`.
    Rethrown,
    /// Out of a legacy `delegate`.
    Delegated,
}

impl Way {
    /// That of a function, by its number among those that are defined.
    fn of(defined: usize) -> Self {
        use Way::*;
        [Across, Within, Again, Plain, Legacy, Across, Rethrown, Within, Delegated][defined % 9]
    }

    /// How many functions come to the end of the index space.
    fn inner(self) -> usize {
        match self {
            Way::Plain | Way::Within => 0,
            Way::Across | Way::Legacy | Way::Delegated => 1,
            Way::Again | Way::Rethrown => 2,
        }
    }
}

/// Rewrites a module.
pub(crate) fn rewrite(wasm: &[u8]) -> Result<Vec<u8>, Error> {
    let mut module = Module::new();
    let facts = Facts::of(wasm)?;
    let next = facts.functions.len() as u32;
    let mut rewriter = Rewriter { facts, tags: false, bodies: 0, next, inner: Vec::new() };
    rewriter.parse_core_module(&mut module, Parser::new(0), wasm)?;
    Ok(module.finish())
}

struct Rewriter {
    facts: Facts,
    /// Whether the tags have been written.
    tags: bool,
    /// Function bodies so far.
    bodies: usize,
    /// Index of the next inner function.
    next: u32,
    /// The inner functions so far.
    inner: Vec<Function>,
}

impl Rewriter {
    /// The block that leaves the results of a type on the stack.
    fn block(&self, ty: u32) -> BlockType {
        BlockType::FunctionType(2 * self.facts.types.len() as u32 + ty)
    }

    /// Adds an inner function, and gives its index.
    fn add(&mut self, function: Function) -> u32 {
        self.inner.push(function);
        self.next += 1;
        self.next - 1
    }

    /// A call with the caller's own parameters.
    fn passing(&self, ty: u32, callee: u32) -> Vec<Instruction<'static>> {
        let count = self.facts.types[ty as usize].params().len() as u32;
        (0..count).map(Instruction::LocalGet).chain([Instruction::Call(callee)]).collect()
    }

    /// A body that throws where it would return, between a beginning and an end.
    fn thrower(
        &mut self,
        body: &FunctionBody<'_>,
        begin: &[Instruction<'_>],
        end: &[Instruction<'_>],
    ) -> Result<Function, Error> {
        let (mut function, _) = self.facts.with_locals(self.bodies, body, &[])?;
        let throw = Instruction::Throw(self.facts.defined(self.bodies));
        emit(&mut function, begin.iter().cloned());
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let instruction = utils::instruction(self, reader.read()?)?;
            match instruction {
                Instruction::Return => emit(&mut function, [throw.clone()]),
                Instruction::End if reader.eof() => emit(&mut function, [throw.clone(), Instruction::End]),
                other => emit(&mut function, [other]),
            }
        }
        emit(&mut function, end.iter().cloned());
        Ok(function)
    }

    /// What stands in the place of an inner function.
    fn outer(&mut self, way: Way, ty: u32, inner: u32) -> Function {
        use Instruction as I;
        let block = self.block(ty);
        let call = self.passing(ty, inner);
        let mut function = Function::new([]);
        match way {
            Way::Plain | Way::Within | Way::Across => {
                let catch = [Catch::One { tag: ty, label: 0 }];
                emit(&mut function, [I::Block(block), I::TryTable(block, catch.as_slice().into())]);
                emit(&mut function, call.into_iter().chain([I::End, I::End]));
            }
            Way::Again => {
                let between = self.throws_again(ty, inner);
                return self.outer(Way::Across, ty, between);
            }
            Way::Legacy => {
                emit(&mut function, [I::Try(block)].into_iter().chain(call).chain([I::Catch(ty), I::End]));
            }
            Way::Rethrown => {
                let mut between = Function::new([]);
                emit(&mut between, [I::Try(block)].into_iter().chain(call));
                emit(&mut between, [I::CatchAll, I::Rethrow(0), I::End, I::End]);
                let between = self.add(between);
                return self.outer(Way::Legacy, ty, between);
            }
            Way::Delegated => {
                emit(&mut function, [I::Try(block), I::Block(block), I::Try(block)].into_iter().chain(call));
                emit(&mut function, [I::Delegate(1), I::End, I::Catch(ty), I::End]);
            }
        }
        function.instruction(&I::End);
        function
    }

    /// A function that throws on what its callee throws.
    fn throws_again(&mut self, ty: u32, callee: u32) -> u32 {
        use Instruction as I;
        let mut function = Function::new([]);
        let catch = [Catch::AllRef { label: 0 }];
        emit(&mut function, [I::Block(BlockType::Result(ValType::EXNREF))]);
        emit(&mut function, [I::TryTable(BlockType::Empty, catch.as_slice().into())]);
        emit(&mut function, self.passing(ty, callee));
        emit(&mut function, [I::Return, I::End, I::Unreachable, I::End, I::ThrowRef, I::End]);
        self.add(function)
    }
}

impl Reencode for Rewriter {
    type Error = std::convert::Infallible;

    /// Behind the types, one for each with its results as parameters, and one with nothing but its results.
    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: TypeSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_type_section(self, types, section)?;
        let results = |ty: &wasmparser::FuncType| {
            ty.results()
                .iter()
                .map(|&ty| RoundtripReencoder.val_type(ty))
                .collect::<Result<Vec<ValType>, _>>()
        };
        let results = self.facts.types.iter().map(results).collect::<Result<Vec<_>, _>>()?;
        results.iter().for_each(|results| types.ty().function(results.clone(), []));
        results.into_iter().for_each(|results| types.ty().function([], results));
        Ok(())
    }

    /// Tags come behind memories.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Result<(), Error> {
        use SectionId as S;
        if !self.tags && !matches!(before, Some(S::Type | S::Import | S::Function | S::Table | S::Memory)) {
            self.tags = true;
            let mut tags = TagSection::new();
            let count = self.facts.types.len() as u32;
            for func_type_idx in count..2 * count {
                tags.tag(TagType { kind: TagKind::Exception, func_type_idx });
            }
            module.section(&tags);
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_function_section(self, functions, section)?;
        for defined in 0..self.facts.functions.len() - self.facts.imported {
            (0..Way::of(defined).inner()).for_each(|_| {
                functions.function(self.facts.defined(defined));
            });
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_code_section(self, code, section)?;
        self.inner.iter().for_each(|function| {
            code.function(function);
        });
        Ok(())
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), Error> {
        use Instruction as I;
        let ty = self.facts.defined(self.bodies);
        match Way::of(self.bodies) {
            Way::Plain => utils::parse_function_body(self, code, body)?,
            Way::Within => {
                // The end of the body is that of the `try_table`, which has the results of the function.
                let block = self.block(ty);
                let catch = [Catch::One { tag: ty, label: 0 }];
                let begin = [I::Block(block), I::TryTable(block, catch.as_slice().into())];
                let function = self.thrower(&body, &begin, &[I::End, I::End])?;
                code.function(&function);
            }
            way => {
                let inner = self.thrower(&body, &[], &[])?;
                let inner = self.add(inner);
                let outer = self.outer(way, ty, inner);
                code.function(&outer);
            }
        }
        self.bodies += 1;
        Ok(())
    }
}
