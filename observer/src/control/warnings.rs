//! Conditions that need somebody's attention, in words.

use std::collections::BTreeSet;

use policy::Identity;
use proto::tycho::v1::EndpointState;

use super::maps::MapPressure;
use super::snapshot::{Board, Snapshot};

/// Endpoints named in a warning; the rest is counted.
const NAMED: usize = 5;

/// A map that was warned of is warned of again once it was below this part of its capacity, in tenths.
const CALM_TENTHS: u64 = 7;

/// Every condition now.
pub(crate) fn warnings(board: &Board) -> Vec<String> {
    let mut warnings: Vec<String> = board
        .maps()
        .iter()
        .filter(|map| map.is_high())
        .map(map_warning)
        .collect();
    if let Some(snapshot) = board.snapshot() {
        warnings.extend(snapshot.problems.sentences());
        warnings.extend(unattached(&snapshot));
        warnings.extend(identities_warning(snapshot.identities_given));
    }
    warnings
}

fn map_warning(map: &MapPressure) -> String {
    let percent = map.entries.saturating_mul(100) / map.capacity.max(1);
    let MapPressure {
        map: name,
        entries,
        capacity,
        meaning,
    } = map;
    format!("map {name} is {percent} % full ({entries} of {capacity}): {meaning}")
}

fn unattached(snapshot: &Snapshot) -> Option<String> {
    let waiting: Vec<&str> = snapshot
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.standing.state != EndpointState::Ready)
        .map(|endpoint| endpoint.name.as_str())
        .collect();
    let first = waiting.first()?;
    let mut names = waiting[..waiting.len().min(NAMED)].join(", ");
    if waiting.len() > NAMED {
        names += &format!(" and {} more", waiting.len() - NAMED);
    }
    let (are, their) = match waiting.len() {
        1 => ("endpoint is", "its"),
        _ => ("endpoints are", "their"),
    };
    Some(format!(
        "{} {are} not ready, nothing is enforced or seen at {their} interface: {names}; see `tycho endpoint get {first}`",
        waiting.len()
    ))
}

fn identities_warning(given: usize) -> Option<String> {
    let all = (Identity::LAST_ALLOCATED.0 - Identity::FIRST_ALLOCATED.0 + 1) as usize;
    (given * 5 > all * 4).then(|| {
        format!(
            "{given} of {all} identity numbers are given: when all are, endpoints with new labels wait; leave labels that differ between instances out with `--labels`"
        )
    })
}

/// Maps that are warned of in the log, so that each crossing is said once.
#[derive(Debug, Default)]
pub(super) struct Crossings {
    high: BTreeSet<String>,
}

impl Crossings {
    /// Takes a new reading; gives what is to be logged.
    pub(super) fn new_warnings(&mut self, maps: &[MapPressure]) -> Vec<String> {
        let mut new = Vec::new();
        for map in maps {
            if map.is_high() && self.high.insert(map.map.clone()) {
                new.push(map_warning(map));
            }
            if map.entries.saturating_mul(10) < map.capacity.saturating_mul(CALM_TENTHS) {
                self.high.remove(&map.map);
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_warned_of_once_per_crossing() {
        let map = |entries| {
            [MapPressure {
                map: "EDGES".to_owned(),
                entries,
                capacity: 100,
                meaning: "edges".to_owned(),
            }]
        };
        let mut crossings = Crossings::default();
        for (entries, expect) in [
            (80, 0),
            (81, 1),
            (90, 0),
            (75, 0),
            (81, 0),
            (69, 0),
            (100, 1),
        ] {
            let new = crossings.new_warnings(&map(entries));
            assert_eq!(new.len(), expect, "{entries}");
        }
        assert_eq!(
            map_warning(&map(81)[0]),
            "map EDGES is 81 % full (81 of 100): edges"
        );
    }

    #[test]
    fn identities_are_warned_of_before_they_end() {
        assert_eq!(identities_warning(52_224), None);
        assert!(identities_warning(52_225).is_some());
    }
}
