//! The task that asks the registry for the numbers of label sets, and whether those that the node knows still hold.
//!
//! The control thread says what it wants ([`NumbersWanted`]) and gets answers as mail. What fails is asked again.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use policy::{Identity, LabelSet};
use registry::cluster::{Allocated, Registry, RegistryError, RegistryHealth, Verified};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::control::{Mailbox, NumbersGiven, chain};
use crate::desired::NumbersWanted;

/// Questions on their way at a time.
const AT_ONCE: usize = 64;

/// Between two questions about the same thing, if the first failed.
const RETRY: Duration = Duration::from_secs(1);

/// Asks for ever.
pub(crate) async fn ask_for_numbers(
    registry: Arc<dyn Registry>,
    mut wanted: watch::Receiver<Arc<NumbersWanted>>,
    mailbox: Mailbox,
) {
    let mut health = registry.health();
    let mut asking = Asking::new(registry, mailbox);
    wanted.mark_changed();
    loop {
        asking.ask_more();
        let retry = asking.retry;
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() { return },
            changed = health.changed() => {
                if changed.is_err() {
                    return;
                }
                if !asking.concerns(&health.borrow_and_update()) {
                    continue;
                }
            }
            Some(outcome) = asking.on_their_way.next() => {
                asking.take(outcome);
                continue;
            }
            () = tokio::time::sleep_until(retry) => asking.failed.clear(),
        }
        let wanted = Arc::clone(&wanted.borrow_and_update());
        let health = Arc::clone(&health.borrow());
        asking.look(&wanted, &health);
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    /// Which number has this label set?
    Number(LabelSet),
    /// Does this number still stand for this label set?
    Meaning(Identity, LabelSet),
}

/// What the registry says to it.
#[derive(Debug)]
enum Answer {
    Number(Allocated),
    Meaning(Verified),
}

type Outcome = (Question, Result<Answer, RegistryError>);

/// What was asked and answered so far.
struct Asking {
    registry: Arc<dyn Registry>,
    mailbox: Mailbox,
    to_ask: BTreeSet<Question>,
    on_their_way: FuturesUnordered<Pin<Box<dyn Future<Output = Outcome> + Send>>>,
    asked: BTreeSet<Question>,
    /// Questions that failed since the last retry.
    failed: BTreeSet<Question>,
    /// When they are asked again.
    retry: Instant,
    /// Answers that the control thread may not have taken yet.
    given: BTreeMap<LabelSet, Identity>,
    /// Numbers that the registry knows this node to use.
    claimed: BTreeMap<Identity, LabelSet>,
    /// Numbers that this node still has, and that the registry gives another meaning.
    disowned: BTreeMap<Identity, LabelSet>,
    /// What the last look knew of the registry.
    connected: bool,
    distrusted: Arc<BTreeMap<Identity, LabelSet>>,
}

impl Asking {
    fn new(registry: Arc<dyn Registry>, mailbox: Mailbox) -> Self {
        Self {
            registry,
            mailbox,
            to_ask: BTreeSet::new(),
            on_their_way: FuturesUnordered::new(),
            asked: BTreeSet::new(),
            failed: BTreeSet::new(),
            retry: Instant::now(),
            given: BTreeMap::new(),
            claimed: BTreeMap::new(),
            disowned: BTreeMap::new(),
            connected: false,
            distrusted: Arc::default(),
        }
    }

    /// Whether this news is about numbers.
    fn concerns(&self, health: &RegistryHealth) -> bool {
        self.connected != health.is_connected() || self.distrusted != health.distrusted
    }

    /// Works out what is to be asked, and gives back what is not used any more.
    fn look(&mut self, wanted: &NumbersWanted, health: &RegistryHealth) {
        let reconnected = !self.connected && health.is_connected();
        if reconnected {
            self.failed.clear();
        }
        self.connected = health.is_connected();
        self.distrusted = Arc::clone(&health.distrusted);
        let has =
            |identity: &Identity, labels: &LabelSet| wanted.known.get(identity) == Some(labels);
        self.given.retain(|labels, identity| !has(identity, labels));
        for (identity, labels) in health.distrusted.iter() {
            self.claimed.remove(identity);
            if has(identity, labels) {
                self.disowned.insert(*identity, labels.clone());
            }
        }
        self.give_back(wanted);
        let unknown = wanted.unknown.iter();
        let unknown = unknown.filter(|labels| !self.given.contains_key(*labels));
        self.to_ask = unknown.cloned().map(Question::Number).collect();
        self.ask_for_disowned();
        if self.connected {
            for (identity, labels) in &wanted.known {
                if self.claimed.get(identity) != Some(labels)
                    && !self.disowned.contains_key(identity)
                {
                    let meaning = Question::Meaning(*identity, labels.clone());
                    self.to_ask.insert(meaning);
                }
            }
        }
        self.failed
            .retain(|question| self.to_ask.contains(question));
    }

    /// Labels whose number is another one by now.
    fn ask_for_disowned(&mut self) {
        if self.disowned.is_empty() {
            return;
        }
        let numbered: BTreeSet<&LabelSet> = self.claimed.values().collect();
        let without = self.disowned.values();
        let without = without.filter(|labels| !numbered.contains(labels));
        self.to_ask.extend(without.cloned().map(Question::Number));
    }

    /// Numbers that the node neither has nor is about to have are not in use any more.
    fn give_back(&mut self, wanted: &NumbersWanted) {
        let given: BTreeSet<Identity> = self.given.values().copied().collect();
        let keep =
            |identity: &Identity| wanted.known.contains_key(identity) || given.contains(identity);
        let registry = &self.registry;
        for numbers in [&mut self.claimed, &mut self.disowned] {
            numbers.retain(|identity, _| {
                let keep = keep(identity);
                if !keep {
                    registry.release(*identity);
                }
                keep
            });
        }
        // What is disowned may have got the meaning that the registry gives it.
        self.disowned
            .retain(|identity, labels| wanted.known.get(identity) == Some(labels));
    }

    /// Asks as much as may be on its way.
    fn ask_more(&mut self) {
        while self.on_their_way.len() < AT_ONCE
            && let Some(question) = self.to_ask.pop_first()
        {
            if self.failed.contains(&question) || !self.asked.insert(question.clone()) {
                continue;
            }
            let registry = Arc::clone(&self.registry);
            self.on_their_way.push(Box::pin(async move {
                let answer = match &question {
                    Question::Number(labels) => registry.allocate(labels).await.map(Answer::Number),
                    Question::Meaning(identity, labels) => {
                        let verified = registry.verify(*identity, labels).await;
                        verified.map(Answer::Meaning)
                    }
                };
                (question, answer)
            }));
        }
        if self.failed.is_empty() {
            // Nothing is asked again soon.
            self.retry = Instant::now() + RETRY * 3_600;
        }
    }

    fn take(&mut self, (question, answer): Outcome) {
        self.asked.remove(&question);
        match (question, answer) {
            (Question::Number(labels), Ok(Answer::Number(allocated))) => {
                let identity = allocated.identity;
                self.claimed.insert(identity, labels.clone());
                self.given.insert(labels.clone(), identity);
                self.tell(labels, Ok(identity));
            }
            (Question::Meaning(identity, labels), Ok(Answer::Meaning(Verified::Confirmed))) => {
                self.claimed.insert(identity, labels);
            }
            (Question::Meaning(identity, labels), Ok(Answer::Meaning(differs))) => {
                tracing::error!(%identity, %labels, ?differs, "an identity of this node is not that of the registry");
                self.disowned.insert(identity, labels);
                self.ask_for_disowned();
            }
            (question, Err(error)) => {
                if let Question::Number(labels) = &question {
                    self.tell(labels.clone(), Err(chain(&error)));
                }
                if self.failed.is_empty() {
                    self.retry = Instant::now() + RETRY;
                }
                self.failed.insert(question);
            }
            (question, Ok(answer)) => {
                debug_assert!(false, "{question:?} was answered by {answer:?}");
            }
        }
    }

    fn tell(&self, labels: LabelSet, answer: Result<Identity, String>) {
        self.mailbox.numbers(NumbersGiven::from([(labels, answer)]));
    }
}
