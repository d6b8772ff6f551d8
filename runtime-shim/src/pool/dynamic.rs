//! Functions of pooled instances whose types are known only when the program runs.
//!
//! **Invariant: values that are passed are of the function's type**, which was taken from the module when it was looked up.

use super::instance::PooledInstance;
use super::linked::FuncPlace;
use crate::api::error::CallError;
use crate::api::func::{self, Func};
use crate::api::store::sealed::Access;
use crate::api::suspend::Outcome;
use crate::api::val::{MAX_VALUES, Val};
use crate::code::raw_value::RawValue;
use crate::run::invoke::Signature;
use wasmaot_abi::types::FuncType;

/// A function of every instance of a [`InstancePre`](crate::InstancePre) module, looked up once by [`InstancePre::func`](crate::InstancePre::func). Where
/// its type is known beforehand, [`InstancePre::typed`](crate::InstancePre::typed) gives one that is called with Rust values.
///
/// ```
/// use wasmaot_runtime::{Linker, Module, Pool, PoolConfig, Val};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(
///     r#"(module (func (export "swap") (param i32 i64) (result i64 i32) local.get 1 local.get 0))"#,
/// )?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let linked = Linker::<()>::new().instantiate_pre(&module)?;
/// let swap = linked.get_func("swap")?;
/// assert_eq!(swap.ty().to_string(), "(i32, i64) -> (i64, i32)");
///
/// let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() })?;
/// let mut results = [Val::I32(0); 2];
/// swap.call(&mut pool.start(&linked, ())?, &[Val::I32(1), Val::I64(2)], &mut results)?;
/// assert_eq!(results, [Val::I64(2), Val::I32(1)]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct DynamicFunc {
    place: FuncPlace,
    signature: Signature,
}

impl DynamicFunc {
    pub(super) fn new(place: FuncPlace, signature: Signature) -> Self {
        Self { place, signature }
    }

    /// Its type.
    pub fn ty(&self) -> &FuncType {
        self.signature.ty()
    }

    /// Calls it in an instance of its module. `results` has as many values as the function has results; what they were does not
    /// matter. Allocates nothing unless it fails or has more than [`MAX_VALUES`] of either.
    pub fn call<T>(
        &self,
        instance: &mut PooledInstance<T>,
        args: &[Val],
        results: &mut [Val],
    ) -> Result<(), CallError> {
        let (params, expected) = (self.ty().params.len(), self.ty().results.len());
        if args.len() != params {
            return Err(CallError::ArgumentCount { expected: params, found: args.len() });
        }
        if results.len() != expected {
            return Err(CallError::ResultCount { expected, found: results.len() });
        }
        match params.max(expected) {
            0..=MAX_VALUES => self.enter(instance, args, results, &mut [RawValue::default(); MAX_VALUES]),
            count => self.enter(instance, args, results, &mut vec![RawValue::default(); count]),
        }
    }

    /// Calls it in an instance of its module so that host functions can suspend it.
    ///
    /// # Errors
    /// Those of [`DynamicFunc::call`].
    pub fn call_resumable<T>(
        &self,
        instance: &mut PooledInstance<T>,
        args: &[Val],
    ) -> Result<Outcome<Vec<Val>>, CallError> {
        let func = Func::of(self.place.record(instance)?);
        func.call_resumable(instance, args)
    }

    /// Calls it with these cells, which are enough.
    fn enter<T>(
        &self,
        instance: &mut PooledInstance<T>,
        args: &[Val],
        results: &mut [Val],
        cells: &mut [RawValue],
    ) -> Result<(), CallError> {
        let record = self.place.record(instance)?;
        let core = instance.core();
        for (position, ((&ty, arg), cell)) in self.ty().params.iter().zip(args).zip(&mut *cells).enumerate() {
            *cell = arg.to_raw(core, ty).map_err(|error| CallError::Value { position, error })?;
        }
        func::call(instance.store_mut(), record, &self.signature, cells)?;
        for ((&ty, result), cell) in self.ty().results.iter().zip(results).zip(cells) {
            *result = Val::from_raw(*cell, instance.core(), ty);
        }
        Ok(())
    }
}
