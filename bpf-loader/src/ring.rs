//! The event ring: raw records, and waiting for more.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use aya::maps::{MapData, RingBuf};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Reading end of the ring. One per node: a second reader would steal records.
pub struct EventRing {
    ring: RingBuf<MapData>,
}

impl std::fmt::Debug for EventRing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("EventRing")
    }
}

impl EventRing {
    pub(crate) fn new(ring: RingBuf<MapData>) -> Self {
        Self { ring }
    }

    /// Hands every record that is there to `consume`, at most `limit`; returns how many.
    pub fn drain(&mut self, limit: usize, mut consume: impl FnMut(&[u8])) -> usize {
        for count in 0..limit {
            match self.ring.next() {
                Some(record) => consume(&record),
                None => return count,
            }
        }
        limit
    }

    /// Waits until there is a record, or the time is over, or a signal came.
    pub fn wait(&self, timeout: Duration) -> Result<(), std::io::Error> {
        let fd: BorrowedFd<'_> = self.ring.as_fd();
        let milliseconds = u16::try_from(timeout.as_millis()).unwrap_or(u16::MAX);
        let mut fds = [PollFd::new(fd, PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(milliseconds)) {
            Ok(_) | Err(nix::Error::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}
