//! `proc_*` and `sched_yield`. An instance is a process of its own: what would end one ends the instance's
//! call.

use wasmaot_runtime::HostError;

use crate::access::Ctx;
use crate::errno::Errno;
use crate::guest::Guest;

pub(crate) fn proc_exit(code: u32) -> Result<(), HostError> {
    Err(HostError::Exit(code.cast_signed()))
}

/// What a signal does to a process that has not said otherwise, as no guest can.
enum Action {
    End,
    Ignore,
    Stop,
}

/// WASI's signals by number.
fn action(signal: u32) -> Option<Action> {
    match signal {
        // hup int quit ill trap abrt bus fpe kill usr1 segv usr2; alrm term; xcpu xfsz vtalrm prof; poll pwr
        // sys.
        1..=12 | 14 | 15 | 23..=26 | 28..=30 => Some(Action::End),
        // None at all; pipe; chld, cont of what has not stopped; urg; winch.
        0 | 13 | 16 | 17 | 22 | 27 => Some(Action::Ignore),
        // stop tstp ttin ttou.
        18..=21 => Some(Action::Stop),
        _ => None,
    }
}

/// Does what the signal would do to the instance, with the exit status that a shell gives a process that it
/// ended. An instance that stopped cannot be continued.
pub(crate) fn proc_raise(signal: u32) -> Result<Result<(), Errno>, HostError> {
    match action(signal) {
        Some(Action::End) => Err(HostError::Exit(128 + signal.cast_signed())),
        Some(Action::Ignore) => Ok(Ok(())),
        Some(Action::Stop) => Ok(Err(Errno::NotSup)),
        None => Ok(Err(Errno::Inval)),
    }
}

pub(crate) fn sched_yield(_: &mut Ctx<'_>, _: Guest<'_>) -> Result<(), Errno> {
    rustix::thread::sched_yield();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_do_what_they_do_to_a_process() {
        let raise = |signal| match proc_raise(signal) {
            Ok(result) => result.map(|()| 0),
            Err(HostError::Exit(status)) => Ok(status),
            Err(error) => panic!("{error}"),
        };
        for (signal, result) in [(0, Ok(0)), (6, Ok(134)), (9, Ok(137)), (13, Ok(0)), (30, Ok(158))] {
            assert_eq!(raise(signal), result, "{signal}");
        }
        assert_eq!(raise(18), Err(Errno::NotSup));
        for none in [31, 255, u32::MAX] {
            assert_eq!(raise(none), Err(Errno::Inval), "{none}");
        }
    }
}
