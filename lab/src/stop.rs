//! A stop signal that many threads can wait on, and the thread that obeys it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Asks threads to end. Clones are the same signal.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopSignal {
    shared: Arc<(Mutex<bool>, Condvar)>,
}

impl StopSignal {
    /// Wakes every thread that waits, now and later.
    pub(crate) fn stop(&self) {
        let (stopped, changed) = &*self.shared;
        *stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        *self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the signal, at most this long; returns whether it came.
    pub(crate) fn wait(&self, at_most: Duration) -> bool {
        let (stopped, changed) = &*self.shared;
        let guard = stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let (guard, _) = changed
            .wait_timeout_while(guard, at_most, |stopped| !*stopped)
            .unwrap_or_else(PoisonError::into_inner);
        *guard
    }
}

/// A thread that ends when its signal is given; dropping this gives it and waits for the thread.
#[derive(Debug)]
pub(crate) struct Worker {
    signal: StopSignal,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(crate) fn new(signal: StopSignal, thread: JoinHandle<()>) -> Self {
        Self {
            signal,
            thread: Some(thread),
        }
    }

    /// Gives the signal without waiting, so that many workers can end side by side.
    pub(crate) fn signal(&self) {
        self.signal.stop();
    }

    /// Gives the signal and waits for the thread.
    pub(crate) fn stop(&mut self) {
        self.signal.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed where it happened; there is nothing left to do.
            drop(thread.join());
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::{StopSignal, Worker};

    #[test]
    fn dropping_a_worker_ends_its_thread() {
        let signal = StopSignal::default();
        let ended = Arc::new(AtomicBool::new(false));
        let (waiting, flag) = (signal.clone(), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            while !waiting.wait(Duration::from_secs(60)) {}
            flag.store(true, Ordering::SeqCst);
        });
        drop(Worker::new(signal.clone(), thread));
        assert!(ended.load(Ordering::SeqCst));
        assert!(signal.is_stopped());
    }

    #[test]
    fn waiting_without_a_signal_returns_false() {
        assert!(!StopSignal::default().wait(Duration::ZERO));
    }
}
