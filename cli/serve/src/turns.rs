//! Turns of guests on their thread.
//!
//! A guest whose time slice is over wakes its own task. Woken at once, it would run again before the thread
//! has looked for what has arrived meanwhile: executors look after some number of tasks, and here each may
//! take a whole slice. So it is woken when the thread has looked.
//!
//! **Invariant: no wake is lost**: one that comes while the guest is polled is passed on afterwards.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// A future that shares its thread.
pub(crate) struct Turns<R> {
    future: Pin<Box<dyn Future<Output = R> + Send>>,
    turn: Arc<Turn>,
    waker: Waker,
}

/// Not polled: a wake goes to the task.
const IDLE: u8 = 0;
/// Polled: a wake is noted.
const POLLED: u8 = 1;
/// Woken while it is polled.
const WOKEN: u8 = 2;

struct Turn {
    state: AtomicU8,
    task: Mutex<Waker>,
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.compare_exchange(POLLED, WOKEN, SeqCst, SeqCst) == Err(IDLE) {
            let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
            task.wake();
        }
    }
}

impl<R> Turns<R> {
    pub(crate) fn new(future: impl Future<Output = R> + Send + 'static) -> Self {
        let turn = Arc::new(Turn { state: AtomicU8::new(IDLE), task: Mutex::new(Waker::noop().clone()) });
        Self { future: Box::pin(future), waker: Waker::from(turn.clone()), turn }
    }

    /// Polls the future, in a task of tokio.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<R> {
        self.turn.task.lock().unwrap_or_else(PoisonError::into_inner).clone_from(cx.waker());
        self.turn.state.store(POLLED, SeqCst);
        let polled = self.future.as_mut().poll(&mut Context::from_waker(&self.waker));
        if self.turn.state.swap(IDLE, SeqCst) == WOKEN && polled.is_pending() {
            // Wakes the task when the thread has looked for events.
            _ = pin!(tokio::task::yield_now()).poll(cx);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::time::{Duration, Instant};

    fn block_on<R>(future: impl Future<Output = R>) -> R {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(future)
    }

    #[test]
    fn wakes_at_any_time_arrive() {
        block_on(async {
            let mut polls = 0;
            let mut turns = Turns::new(poll_fn(move |cx| {
                polls += 1;
                match polls {
                    1 => cx.waker().wake_by_ref(),
                    2 => {
                        let waker = cx.waker().clone();
                        std::thread::spawn(move || waker.wake());
                    }
                    _ => return Poll::Ready(polls),
                }
                Poll::Pending
            }));
            assert_eq!(poll_fn(|cx| turns.poll(cx)).await, 3);
        });
    }

    #[test]
    fn events_are_looked_for_between_turns() {
        block_on(async {
            let until = Instant::now() + Duration::from_secs(60);
            let mut turns = Turns::new(poll_fn(move |cx| {
                cx.waker().wake_by_ref();
                std::thread::sleep(Duration::from_millis(1));
                if Instant::now() < until { Poll::Pending } else { Poll::Ready(()) }
            }));
            let computing = tokio::spawn(poll_fn(move |cx| turns.poll(cx)));
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert!(!computing.is_finished());
            computing.abort();
        });
    }
}
