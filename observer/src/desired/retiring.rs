//! Numbers on their way out: nothing wants them any more, but something may still tell of them.

use std::collections::HashMap;

/// The numbers of one kind that nothing wants, with the time of the first look at which that was so.
#[derive(Debug, Default)]
pub(super) struct Retiring {
    since_ns: HashMap<u32, u64>,
}

impl Retiring {
    /// Takes the numbers that neither the desired state nor the kernel has now. Gives those that may be freed: it was so
    /// at an earlier look too, all records from before that look are stored (`settled_ns`), and no flow carries them.
    pub(super) fn look(
        &mut self,
        unused: impl IntoIterator<Item = u32>,
        now_ns: u64,
        settled_ns: u64,
        is_stored: impl Fn(u32) -> bool,
    ) -> Vec<u32> {
        let mut before = std::mem::take(&mut self.since_ns);
        let mut free = Vec::new();
        for number in unused {
            match before.remove(&number) {
                Some(since_ns) if since_ns < settled_ns && !is_stored(number) => free.push(number),
                since_ns => {
                    self.since_ns.insert(number, since_ns.unwrap_or(now_ns));
                }
            }
        }
        free
    }
}
