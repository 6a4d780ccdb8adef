//! Keeping the health current.

use std::sync::Arc;
use std::time::SystemTime;

use super::super::error::RegistryError;
use super::super::health::{Contact, RegistryHealth};
use super::super::store::BackendError;
use super::{NodeRegistry, lock};

impl NodeRegistry {
    /// The backend has answered. Whoever watches the health is not woken for it.
    pub(super) fn heard(&self) {
        let now = SystemTime::now();
        self.health.send_if_modified(|health| {
            Arc::make_mut(health).last_contact = Some(now);
            false
        });
    }

    /// Which cluster was reached. Whoever watches the health is not woken for it.
    pub(super) fn tell_cluster_id(&self, id: Option<String>) {
        self.health.send_if_modified(|health| {
            Arc::make_mut(health).cluster_id = id;
            false
        });
    }

    /// What is known is current.
    pub(super) fn connected(&self) {
        tracing::info!(backend = %self.backend, "the registry is reached");
        let now = SystemTime::now();
        self.change_health(|health| {
            health.contact = Contact::Connected { since: now };
            health.last_contact = Some(now);
        });
    }

    /// The session has ended, or none could be opened.
    pub(super) fn lost(&self, error: BackendError) {
        let refused = matches!(error, BackendError::Refused(_));
        let error = Arc::new(error.of(&self.backend));
        let now = SystemTime::now();
        let text = chain(&*error);
        self.change_health(|health| {
            let before = std::mem::replace(&mut health.contact, Contact::Starting);
            let (said, since) = match &before {
                Contact::Away { since, error } => (Some((false, error)), *since),
                Contact::Refused { since, error } => (Some((true, error)), *since),
                Contact::Starting | Contact::Connected { .. } => (None, now),
            };
            // Said once, not at each try.
            if said.is_none_or(|(was, error)| was != refused || chain(&**error) != text) {
                tracing::warn!(backend = %self.backend, "{text}; going on with what was known last");
            }
            if matches!(before, Contact::Connected { .. }) {
                health.losses += 1;
            }
            health.last_error = Some(Arc::clone(&error));
            health.published = false;
            let error = Arc::clone(&error);
            health.contact = if refused {
                Contact::Refused { since, error }
            } else {
                Contact::Away { since, error }
            };
        });
    }

    /// Says how far this process knows everything, and what it cannot understand.
    pub(super) fn tell_known(&self) {
        let (revision, (ignored, example)) = {
            let mirror = lock(&self.mirror);
            (mirror.state.revision, mirror.ignored())
        };
        let ignored = ignored as u64;
        let now = SystemTime::now();
        self.health.send_if_modified(|health| {
            let health = Arc::make_mut(health);
            health.revision = revision;
            health.last_contact = Some(now);
            let news = health.ignored != ignored;
            health.ignored = ignored;
            health.ignored_example = example;
            news
        });
    }

    /// Says which identities are not to be trusted.
    pub(super) fn tell_distrusted(&self) {
        let distrusted = lock(&self.desired).distrusted.clone();
        self.health.send_if_modified(|health| {
            let news = *health.distrusted != distrusted;
            if news {
                Arc::make_mut(health).distrusted = Arc::new(distrusted);
            }
            news
        });
    }

    /// Says whether this node stands in the registry as it wants to, and if not, why.
    pub(super) fn tell_published(&self, published: bool, hindered: Option<RegistryError>) {
        self.health.send_if_modified(|health| {
            let text = hindered.as_ref().map(ToString::to_string);
            let known = health.last_error.as_ref().map(ToString::to_string);
            let news = health.published != published || (text.is_some() && text != known);
            if news {
                let health = Arc::make_mut(health);
                health.published = published;
                if let Some(hindered) = hindered {
                    tracing::error!("{hindered}");
                    health.last_error = Some(Arc::new(hindered));
                }
            }
            news
        });
    }

    fn change_health(&self, change: impl FnOnce(&mut RegistryHealth)) {
        self.health
            .send_modify(|health| change(Arc::make_mut(health)));
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text += ": ";
        text += &deeper.to_string();
        cause = deeper.source();
    }
    text
}
