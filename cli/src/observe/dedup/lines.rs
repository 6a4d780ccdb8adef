//! The way of responses to the printer: straight, or by way of `--dedup`.

use std::io;

use proto::tycho::v1::GetFlowsResponse;
use tokio::time::Instant;

use super::Dedup;
use crate::output::Printer;

/// A printer, and what waits before it.
pub(in crate::observe) struct Lines<O, E> {
    printer: Printer<O, E>,
    dedup: Option<Dedup>,
    /// A file has no time of its own: the time at which it began to be read.
    standing_still: Option<Instant>,
}

impl<O: io::Write, E: io::Write> Lines<O, E> {
    /// Of a stream.
    pub(in crate::observe) fn new(printer: Printer<O, E>, dedup: bool) -> Self {
        Self {
            printer,
            dedup: dedup.then(Dedup::default),
            standing_still: None,
        }
    }

    /// Of a file: how long it takes to read it makes no difference.
    pub(in crate::observe) fn of_file(printer: Printer<O, E>, dedup: bool) -> Self {
        Self {
            standing_still: Some(Instant::now()),
            ..Self::new(printer, dedup)
        }
    }

    /// Prints the next response of the stream, now or later.
    pub(in crate::observe) fn push(&mut self, response: GetFlowsResponse) -> io::Result<()> {
        let now = self.now();
        let Some(dedup) = &mut self.dedup else {
            return self.printer.print(&response);
        };
        dedup.push(response, now);
        self.print_what_is_due(now)
    }

    /// Shows what is to be seen by now.
    pub(in crate::observe) fn flush(&mut self) -> io::Result<()> {
        self.print_what_is_due(self.now())?;
        self.printer.flush()
    }

    /// Returns when there is more to show, even if nothing comes.
    pub(in crate::observe) async fn due(&self) {
        match self.dedup.as_ref().and_then(Dedup::until) {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }

    /// Prints all that waits, and flushes.
    pub(in crate::observe) fn finish(&mut self) -> io::Result<()> {
        if let Some(dedup) = &mut self.dedup {
            while let Some(response) = dedup.pop_at_end() {
                self.printer.print(&response)?;
            }
        }
        self.printer.finish()
    }

    fn print_what_is_due(&mut self, now: Instant) -> io::Result<()> {
        if let Some(dedup) = &mut self.dedup {
            while let Some(response) = dedup.pop(now) {
                self.printer.print(&response)?;
            }
        }
        Ok(())
    }

    fn now(&self) -> Instant {
        self.standing_still.unwrap_or_else(Instant::now)
    }
}
