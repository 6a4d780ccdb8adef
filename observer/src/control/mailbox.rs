//! The one place where the control thread waits: commands in order, everything else as a flag that stays until taken.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::cluster::NumbersGiven;
use super::command::Command;

/// Commands that may wait; whoever comes later is told to try again.
const COMMANDS: usize = 64;

/// The mailbox, shared by all who have something to say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mailbox {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    mail: Mutex<Mail>,
    arrived: Condvar,
}

/// What has come since the last look.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    /// Commands, oldest first.
    pub(crate) commands: VecDeque<Command>,
    /// The numbers that the registry has given or refused, at most one answer for each label set that was asked for.
    pub(crate) numbers: NumbersGiven,
    /// An input has a newer state.
    pub(crate) inputs: bool,
    /// Interfaces or addresses have changed.
    pub(crate) links: bool,
    /// The end.
    pub(crate) stop: bool,
}

impl Mail {
    /// Adds what has come since.
    pub(crate) fn add(&mut self, later: Self) {
        self.commands.extend(later.commands);
        self.numbers.extend(later.numbers);
        self.inputs |= later.inputs;
        self.links |= later.links;
        self.stop |= later.stop;
    }

    fn is_empty(&self) -> bool {
        let flagged = self.inputs || self.links || self.stop;
        self.commands.is_empty() && self.numbers.is_empty() && !flagged
    }
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// Too many are waiting.
    Full,
    /// Nobody works any more.
    Stopped,
}

impl Mailbox {
    /// Leaves a command. A refused one is dropped, and with it the way back.
    pub(crate) fn command(&self, command: Command) -> Result<(), NotTaken> {
        let mut mail = self.lock();
        if mail.stop {
            return Err(NotTaken::Stopped);
        }
        if mail.commands.len() >= COMMANDS {
            return Err(NotTaken::Full);
        }
        mail.commands.push_back(command);
        drop(mail);
        self.shared.arrived.notify_one();
        Ok(())
    }

    /// Says that an input has a newer state.
    pub(crate) fn inputs(&self) {
        self.flag(|mail| mail.inputs = true);
    }

    /// Leaves answers of the registry.
    pub(crate) fn numbers(&self, given: NumbersGiven) {
        self.flag(|mail| mail.numbers.extend(given));
    }

    /// Says that interfaces or addresses have changed.
    pub(crate) fn links(&self) {
        self.flag(|mail| mail.links = true);
    }

    /// Says that this is the end. It stays said. Commands that wait are dropped, and with them the ways back.
    pub(crate) fn stop(&self) {
        self.flag(|mail| {
            mail.stop = true;
            mail.commands.clear();
        });
    }

    /// Waits for mail, at most until `deadline`, and takes all of it.
    pub(crate) fn take(&self, deadline: Instant) -> Mail {
        let mut mail = self.lock();
        while mail.is_empty() {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                break;
            };
            let waited = self.shared.arrived.wait_timeout(mail, left);
            mail = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let stop = mail.stop;
        let taken = std::mem::take(&mut *mail);
        mail.stop = stop;
        taken
    }

    fn flag(&self, set: impl FnOnce(&mut Mail)) {
        set(&mut self.lock());
        self.shared.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Mail> {
        // Each change of the mail is one store or one push, so it is whole even after a panic.
        let locked = self.shared.mail.lock();
        locked.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    fn command() -> Command {
        Command::CountHits(oneshot::channel().0)
    }

    #[test]
    fn flags_gather_commands_queue_and_the_end_stays() {
        let mailbox = Mailbox::default();
        let now = Instant::now();
        assert!(mailbox.take(now).is_empty());
        mailbox.links();
        mailbox.links();
        mailbox.inputs();
        let labels = policy::LabelSet::parse(["k8s:role=a"]).unwrap();
        let refused = Err("not now".to_owned());
        mailbox.numbers([(labels.clone(), refused)].into());
        mailbox.numbers([(labels.clone(), Ok(policy::Identity(300)))].into());
        for _ in 0..COMMANDS {
            mailbox.command(command()).unwrap();
        }
        assert_eq!(mailbox.command(command()), Err(NotTaken::Full));
        let mail = mailbox.take(now);
        assert!(mail.links && mail.inputs && !mail.stop);
        assert_eq!(mail.commands.len(), COMMANDS);
        assert_eq!(mail.numbers, [(labels, Ok(policy::Identity(300)))].into());
        assert!(mailbox.take(now).is_empty());
        mailbox.stop();
        assert_eq!(mailbox.command(command()), Err(NotTaken::Stopped));
        assert!(mailbox.take(now).stop && mailbox.take(now).stop);
    }

    #[test]
    fn mail_wakes_whoever_waits() {
        let mailbox = Mailbox::default();
        let waiter = mailbox.clone();
        let far = Instant::now() + std::time::Duration::from_secs(600);
        let waiting = std::thread::spawn(move || waiter.take(far).links);
        mailbox.links();
        assert!(waiting.join().unwrap());
    }
}
