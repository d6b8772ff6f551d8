//! `wasi:clocks`: the wall clock, the monotonic one, which can be waited for, and the time zone, which is
//! UTC.

use rustix::time::{ClockId, Timespec, clock_getres, clock_gettime};
use wasmaot_component::{Context, Linker, record};
use wasmaot_runtime::LinkError;

use super::io::subscribed;
use super::ready::Pollable;
use super::state::{Access, interface, state};
use crate::wait::now;

record! {
    /// `datetime`: a moment or a length of time.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Datetime {
        /// Since 1970, if it is a moment.
        pub(crate) seconds: u64 = "seconds",
        /// Below 1,000,000,000.
        pub(crate) nanoseconds: u32 = "nanoseconds",
    }
}

record! {
    /// `timezone-display`: how a moment is shown.
    #[derive(Debug)]
    struct TimezoneDisplay {
        /// Seconds.
        offset: i32 = "utc-offset",
        /// The zone's name.
        name: String = "name",
        /// Whether daylight saving time is in effect.
        is_daylight: bool = "in-daylight-saving-time",
    }
}

impl Datetime {
    /// A time of the system's, which is not before 1970 here.
    pub(crate) fn of(time: Timespec) -> Self {
        match u64::try_from(time.tv_sec) {
            Ok(seconds) => Self { seconds, nanoseconds: time.tv_nsec as u32 },
            Err(_) => Self { seconds: 0, nanoseconds: 0 },
        }
    }
}

/// Defines `wasi:clocks/wall-clock`, `wasi:clocks/monotonic-clock` and `wasi:clocks/timezone`.
///
/// # Errors
/// [`LinkError`] when the linker has one of the names already.
pub fn add_to_linker<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    let mut wall = linker.instance(interface!("wasi:clocks/wall-clock"))?;
    wall.func_wrap("now", |_: &mut Context<'_, '_, T>| Ok(Datetime::of(clock_gettime(ClockId::Realtime))))?;
    wall.func_wrap("resolution", |_: &mut Context<'_, '_, T>| {
        Ok(Datetime::of(clock_getres(ClockId::Realtime)))
    })?;
    let mut monotonic = linker.instance(interface!("wasi:clocks/monotonic-clock"))?;
    monotonic.func_wrap("now", |_: &mut Context<'_, '_, T>| Ok(now()))?;
    monotonic.func_wrap("resolution", |_: &mut Context<'_, '_, T>| {
        let Datetime { seconds, nanoseconds } = Datetime::of(clock_getres(ClockId::Monotonic));
        Ok(seconds * 1_000_000_000 + u64::from(nanoseconds))
    })?;
    monotonic.func_wrap("subscribe-instant", move |cx: &mut Context<'_, '_, T>, when: u64| {
        subscribed(&mut state(cx, access).table, Pollable::at(when))
    })?;
    monotonic.func_wrap("subscribe-duration", move |cx: &mut Context<'_, '_, T>, duration: u64| {
        subscribed(&mut state(cx, access).table, Pollable::at(now().saturating_add(duration)))
    })?;
    // Where a host is, is not for its guests to know.
    let mut zone = linker.instance(interface!("wasi:clocks/timezone"))?;
    zone.func_wrap("display", |_: &mut Context<'_, '_, T>, _: Datetime| {
        Ok(TimezoneDisplay { offset: 0, name: "UTC".to_string(), is_daylight: false })
    })?;
    zone.func_wrap("utc-offset", |_: &mut Context<'_, '_, T>, _: Datetime| Ok(0_i32))?;
    Ok(())
}
