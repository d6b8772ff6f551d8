//! Functions that are neither of a core module nor of an adapter: those between core modules and the host,
//! and the start function.
//!
//! **Invariants.** Nothing that the host does calls the guest: `realloc`, destructors and post-return
//! functions are called here. The flag by which an instance may be left is clear while `realloc` and
//! post-return functions run, and every import and builtin that the specification says looks at it does.

use wasm_encoder::{BlockType, Catch, Function, InstructionSink, ValType};
use wasmaot_abi::component::{DESTROY, Violation};

/// Functions of the host's that glue calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Builtins {
    pub(super) next: u32,
    pub(super) trap: u32,
}

/// Where values are allocated in an instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allocation {
    pub(super) realloc: u32,
    /// Global of the instance's flag.
    pub(super) flag: u32,
}

/// A function in the making.
pub(super) struct Glue<'b> {
    builtins: &'b Builtins,
    function: Function,
    /// Whether exceptions can pass, which must not leave an instance.
    exceptions: bool,
}

/// A function of the host's, lowered.
pub(super) struct Lowered<'t> {
    pub(super) params: &'t [ValType],
    pub(super) import: u32,
    /// Global of the flag of the instance that calls it.
    pub(super) flag: u32,
    /// Where its result goes, if that has to be allocated.
    pub(super) allocation: Option<Allocation>,
}

/// A function of the guest's, lifted.
pub(super) struct Lifted<'t> {
    pub(super) params: &'t [ValType],
    pub(super) results: &'t [ValType],
    pub(super) callee: u32,
    /// Global of the flag of its instance.
    pub(super) flag: u32,
    /// How it gets its arguments, if they have to be allocated: from the builtin of this index.
    pub(super) arguments: Option<(Allocation, u32)>,
    /// The builtin that takes its results, if they lie in memory or are to be taken before its post-return
    /// function runs.
    pub(super) hand_over: Option<(u32, Option<u32>)>,
}

/// A builtin on handles.
pub(super) struct OnHandle {
    pub(super) import: u32,
    pub(super) table: u32,
    /// Global of the flag that it looks at.
    pub(super) flag: Option<u32>,
}

impl<'b> Glue<'b> {
    pub(super) fn new(builtins: &'b Builtins, exceptions: bool, locals: &[ValType]) -> Self {
        let function = Function::new(locals.iter().map(|&ty| (1, ty)));
        Self { builtins, function, exceptions }
    }

    fn code(&mut self) -> InstructionSink<'_> {
        self.function.instructions()
    }

    fn finish(mut self) -> Function {
        self.code().end();
        self.function
    }

    fn violate(&mut self, violation: Violation) {
        let trap = self.builtins.trap;
        self.code().i32_const(violation as i32).call(trap).unreachable();
    }

    /// Traps if an instance may not be left.
    fn check_may_leave(&mut self, flag: u32) {
        self.code().block(BlockType::Empty).global_get(flag).br_if(0);
        self.violate(Violation::CannotLeave);
        self.code().end();
    }

    fn get_params(&mut self, count: usize) {
        for param in 0..count as u32 {
            self.code().local_get(param);
        }
    }

    /// Emits code that takes and leaves nothing, with a trap in place of an exception that would leave it.
    fn barred(&mut self, body: impl FnOnce(&mut Self)) {
        if !self.exceptions {
            return body(self);
        }
        self.code()
            .block(BlockType::Empty)
            .block(BlockType::Empty)
            .try_table(BlockType::Empty, [Catch::All { label: 0 }]);
        body(self);
        self.code().end().br(1).end();
        self.violate(Violation::UncaughtException);
        self.code().end();
    }

    /// Allocates what is asked for, as long as the request in a local is one.
    fn allocate(&mut self, allocation: Allocation, request: u32) {
        let next = self.builtins.next;
        self.code().local_get(request).i64_eqz().i32_eqz().if_(BlockType::Empty);
        self.code().i32_const(0).global_set(allocation.flag);
        self.barred(|glue| {
            glue.code()
                .loop_(BlockType::Empty)
                .i32_const(0)
                .i32_const(0)
                .local_get(request)
                .i64_const(32)
                .i64_shr_u()
                .i32_wrap_i64()
                .local_get(request)
                .i32_wrap_i64()
                .call(allocation.realloc)
                .call(next)
                .local_tee(request)
                .i64_eqz()
                .i32_eqz()
                .br_if(0)
                .end();
        });
        self.code().i32_const(1).global_set(allocation.flag).end();
    }

    /// Calls a function of the host's for a core instance. It has a local of type `i64` if it allocates.
    pub(super) fn lowered(mut self, lowered: &Lowered<'_>) -> Function {
        self.check_may_leave(lowered.flag);
        self.get_params(lowered.params.len());
        self.code().call(lowered.import);
        if let Some(allocation) = lowered.allocation {
            let request = lowered.params.len() as u32;
            self.code().local_set(request);
            self.allocate(allocation, request);
        }
        self.finish()
    }

    /// Calls a function of the guest's for the host. Where it hands results over it has a local of each one's
    /// type; its only parameter is the first request if its arguments have to be allocated.
    pub(super) fn lifted(mut self, lifted: &Lifted<'_>) -> Function {
        let own_params = match lifted.arguments {
            Some((allocation, arguments)) => {
                self.allocate(allocation, 0);
                self.code().call(arguments);
                1
            }
            None => {
                self.get_params(lifted.params.len());
                lifted.params.len() as u32
            }
        };
        self.code().call(lifted.callee);
        if let Some((results, post_return)) = lifted.hand_over {
            let locals = own_params..own_params + lifted.results.len() as u32;
            for local in locals.clone().rev() {
                self.code().local_set(local);
            }
            for local in locals.clone() {
                self.code().local_get(local);
            }
            self.code().call(results);
            if let Some(post_return) = post_return {
                self.code().i32_const(0).global_set(lifted.flag);
                for local in locals {
                    self.code().local_get(local);
                }
                self.code().call(post_return).i32_const(1).global_set(lifted.flag);
            }
        }
        self.finish()
    }

    /// `resource.new` or `resource.rep`.
    pub(super) fn on_handle(mut self, builtin: &OnHandle) -> Function {
        self.handle_call(builtin);
        self.finish()
    }

    /// `resource.drop`. With a destructor it has a local of type `i64`.
    pub(super) fn drop(mut self, builtin: &OnHandle, destructor: Option<u32>) -> Function {
        self.handle_call(builtin);
        match destructor {
            None => {
                self.code().drop();
            }
            Some(destructor) => {
                self.code().local_tee(1).i64_const(DESTROY).i64_and().i64_eqz().i32_eqz();
                self.code().if_(BlockType::Empty);
                self.barred(|glue| {
                    glue.code().local_get(1).i32_wrap_i64().call(destructor);
                });
                self.code().end();
            }
        }
        self.finish()
    }

    fn handle_call(&mut self, builtin: &OnHandle) {
        if let Some(flag) = builtin.flag {
            self.check_may_leave(flag);
        }
        self.code().i32_const(builtin.table as i32).local_get(0).call(builtin.import);
    }

    /// Copies a string between memories, and may encode it anew.
    pub(super) fn transcode(mut self, params: usize, import: u32, from: u32, to: u32) -> Function {
        self.code().i32_const(from as i32).i32_const(to as i32);
        self.get_params(params);
        self.code().call(import);
        self.finish()
    }

    /// Traps for an adapter, which has codes of its own.
    pub(super) fn trap(mut self, codes: &[(i32, Violation)]) -> Function {
        for &(code, violation) in codes {
            self.code().local_get(0).i32_const(code).i32_eq().if_(BlockType::Empty);
            self.violate(violation);
            self.code().end();
        }
        self.violate(Violation::Adapter);
        self.finish()
    }

    /// What instantiating the component runs, in order.
    pub(super) fn start(mut self, steps: &[StartStep]) -> Function {
        for step in steps {
            match *step {
                StartStep::Elements(Segment { into, segment, offset, length, wide }) => {
                    self.range(offset, length, wide);
                    self.code().table_init(into, segment).elem_drop(segment);
                }
                StartStep::Data(Segment { into, segment, offset, length, wide }) => {
                    self.range(offset, length, wide);
                    self.code().memory_init(into, segment).data_drop(segment);
                }
                StartStep::Call(func) => {
                    self.code().call(func);
                }
            }
        }
        self.finish()
    }

    fn range(&mut self, offset: u64, length: u32, wide: bool) {
        match wide {
            true => self.code().i64_const(offset as i64),
            false => self.code().i32_const(offset as i32),
        };
        self.code().i32_const(0).i32_const(length as i32);
    }
}

/// A step of the start function.
#[derive(Debug, Clone, Copy)]
pub(super) enum StartStep {
    Elements(Segment),
    Data(Segment),
    Call(u32),
}

/// A segment that is written when its instance is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    /// The table or memory.
    pub(super) into: u32,
    pub(super) segment: u32,
    pub(super) offset: u64,
    pub(super) length: u32,
    /// Whether indices of the table or memory have 64 bits.
    pub(super) wide: bool,
}
