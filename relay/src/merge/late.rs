//! Who keeps the others back, and for how long that is allowed.

use std::cmp::Reverse;
use std::time::Duration;

use tokio::time::Instant;

use super::Merge;
use super::source::Source;
use crate::clock::{nanos, wall_ns};

impl Merge {
    /// When something is to be done though nothing has come: a wait that is over, a stream to be asked for again, the
    /// end.
    pub(super) fn next_deadline(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let head_ns = self.heads.peek().map(|Reverse((head_ns, _))| *head_ns);
        let uncounted = self.skip.is_none();
        let now_ns = wall_ns();
        let up_to_date_ns = now_ns.saturating_sub(nanos(self.shared.bounds.late));
        let follows = self.selection.follow;
        let allowed = self.shared.bounds.late;
        let mut deadlines = Vec::new();
        for source in &mut self.sources {
            if source.has_rows() {
                source.waiting.since = None;
                continue;
            }
            deadlines.extend(source.retry_at);
            let bound_ns = source.bound_ns();
            let waiting = &mut source.waiting;
            if follows && bound_ns >= up_to_date_ns {
                waiting.since = None;
                waiting.before = Duration::ZERO;
                if std::mem::take(&mut waiting.late) {
                    self.statuses.in_time(&source.name);
                    deadlines.push(now);
                }
            }
            let keeps_back = head_ns.is_some_and(|head_ns| head_ns > bound_ns)
                || uncounted && source.expected.is_none();
            if !source.is_open() || source.waiting.late || !keeps_back {
                source.stop_waiting(now, follows);
            } else {
                deadlines.push(source.wait(now, follows) + allowed);
            }
        }
        if follows && self.selection.window.until_ns > now_ns {
            let left = Duration::from_nanos(self.selection.window.until_ns - now_ns);
            deadlines.push(now + left.saturating_add(Duration::from_millis(1)));
        }
        deadlines.into_iter().min()
    }

    /// Does what is due.
    pub(super) fn deadline_passed(&mut self, now: Instant) {
        let allowed = self.shared.bounds.late;
        for index in 0..self.sources.len() {
            let source = &mut self.sources[index];
            let is_due = source.retry_at.is_some_and(|retry_at| retry_at <= now);
            if is_due && !source.has_rows() {
                self.retry(index);
                continue;
            }
            let Some(since) = source.waiting.since else {
                continue;
            };
            if now.duration_since(since) >= allowed {
                source.waiting.since = None;
                source.waiting.late = true;
                if !self.selection.follow {
                    source.close();
                }
                let words =
                    format!("late: others do not wait for its flows for longer than {allowed:?}");
                self.statuses.late(&source.name, &words);
            }
        }
    }
}

impl Source {
    /// Others wait for it. Gives since when, less what they had waited before.
    fn wait(&mut self, now: Instant, follows: bool) -> Instant {
        let (bound_ns, waiting) = (self.bound_ns(), &mut self.waiting);
        // Whoever follows has waited long enough in sum; an answer is waited for as long as it goes on coming.
        if !follows && waiting.bound_ns != bound_ns {
            waiting.since = None;
        }
        waiting.bound_ns = bound_ns;
        let start = now.checked_sub(waiting.before).unwrap_or(now);
        *waiting.since.get_or_insert(start)
    }

    fn stop_waiting(&mut self, now: Instant, follows: bool) {
        if let Some(since) = self.waiting.since.take()
            && follows
        {
            self.waiting.before = now.duration_since(since);
        }
    }
}
