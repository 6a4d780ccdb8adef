//! Turns of a merge for a sink that always has room.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::{Merge, Sink, Turn};

impl Merge {
    /// Takes what has come; whoever polls is woken for more. Says whether that was all.
    pub(crate) fn poll_into(
        &mut self,
        context: &mut Context<'_>,
        sink: &mut impl Sink,
    ) -> Poll<()> {
        match self.turn(context, sink) {
            Turn::End => Poll::Ready(()),
            Turn::Wait => Poll::Pending,
            Turn::Full | Turn::Yield => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    /// Takes everything.
    pub(crate) async fn read_into(&mut self, sink: &mut impl Sink) {
        poll_fn(|context| self.poll_into(context, sink)).await;
    }
}
