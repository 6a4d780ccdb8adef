//! How it stands with the registry, in words.

use std::time::SystemTime;

use registry::cluster::{Contact, RegistryError, RegistryHealth};

use super::chain;
use crate::desired::Contradictions;

/// Conditions that are named; the rest is counted.
const NAMED: usize = 5;

/// Why what is known is not current; `None` if it is.
pub(super) fn contact(health: &RegistryHealth) -> Option<String> {
    let backend = &health.backend;
    let last = "enforcement and observation go on with what was known last";
    Some(match &health.contact {
        Contact::Connected { .. } => return None,
        Contact::Starting => {
            let error: &RegistryError = health.last_error.as_deref()?;
            format!(
                "the registry {backend} was not reached since this observer started: {}; {last}",
                chain(error)
            )
        }
        Contact::Away { since, error } => format!(
            "the registry {backend} does not answer since {}: {}; {last}, and new label sets get no identity",
            time(*since),
            chain(&**error)
        ),
        Contact::Refused { since, error } => format!(
            "the registry {backend} is not that of this node's cluster, since {}: {}; nothing of it is taken, {last}",
            time(*since),
            chain(&**error)
        ),
    })
}

/// Everything else that somebody should know.
pub(super) fn conditions(
    problems: impl Iterator<Item = String>,
    contradictions: &Contradictions,
    health: &RegistryHealth,
) -> Vec<String> {
    let mut problems: Vec<String> = problems.collect();
    if problems.len() > NAMED {
        let more = problems.len() - NAMED;
        problems.truncate(NAMED);
        problems.push(format!("and {more} more addresses or endpoints like that"));
    }
    if health.ignored > 0 {
        let example = health.ignored_example.as_deref().unwrap_or_default();
        problems.push(format!(
            "{} entries of the registry cannot be understood and are left out, such as {example}",
            health.ignored
        ));
    }
    let Contradictions {
        renumbered,
        redefined,
        last,
    } = contradictions;
    if renumbered + redefined > 0 {
        problems.push(format!(
            "the registry has contradicted this node since its start: {renumbered} label sets got another identity, {redefined} identities stand for other labels; the last was: {last}"
        ));
    }
    problems
}

/// To the second, as RFC 3339.
fn time(time: SystemTime) -> String {
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since_1970.map_or(0, |time| time.as_secs());
    prost_types::Timestamp {
        seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
        nanos: 0,
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    fn error() -> Arc<RegistryError> {
        Arc::new(RegistryError::Closed {
            backend: "etcd://h:2379/tycho".to_owned(),
        })
    }

    #[test]
    fn contact_is_told_with_its_time_and_the_last_error() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let check = |contact_now: Contact, words: &[&str]| {
            let mut health = RegistryHealth::new("etcd://h:2379/tycho");
            health.contact = contact_now;
            let text = contact(&health).unwrap_or_default();
            assert_eq!(text.is_empty(), words.is_empty(), "{text}");
            for word in words {
                assert!(text.contains(word), "{word}: {text}");
            }
        };
        check(Contact::Connected { since }, &[]);
        check(Contact::Starting, &[]);
        let away = Contact::Away {
            since,
            error: error(),
        };
        check(
            away,
            &[
                "etcd://h:2379/tycho does not answer since 2027-01-15T08:00:00Z",
                "shutting down",
                "known last",
            ],
        );
        let refused = Contact::Refused {
            since,
            error: error(),
        };
        check(
            refused,
            &["not that of this node's cluster", "shutting down"],
        );
    }

    #[test]
    fn conditions_are_named_up_to_a_bound() {
        let mut health = RegistryHealth::new("file:/x");
        let none = Contradictions::default();
        let told = |count: usize, contradictions: &Contradictions, health: &RegistryHealth| {
            let problems = (0..count).map(|number| format!("p{number}"));
            conditions(problems, contradictions, health)
        };
        assert_eq!(told(0, &none, &health), [""; 0]);
        assert_eq!(told(5, &none, &health).len(), 5);
        let many = told(8, &none, &health);
        assert_eq!(many.len(), 6);
        assert!(many[5].contains("3 more"), "{many:?}");
        health.ignored = 2;
        let contradicted = Contradictions {
            renumbered: 1,
            redefined: 0,
            last: "256 was 300".to_owned(),
        };
        let both = told(0, &contradicted, &health);
        assert!(both[0].starts_with("2 entries") && both[1].contains("1 label sets"));
        assert!(both[1].ends_with("256 was 300"), "{both:?}");
    }
}
