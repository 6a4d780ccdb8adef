//! `--type`: kinds of events, `TYPE[:SUBTYPE]`, by name or number.

use proto::flow::EventTypeFilter;

use super::flag::FilterFlag;
use crate::output::flow_type::OBSERVATION_POINTS;

/// Names of the message types of Cilium's monitor.
const TYPES: [(&str, i32); 10] = [
    ("drop", 1),
    ("debug", 2),
    ("capture", 3),
    ("trace", 4),
    ("policy-verdict", 5),
    ("recorder", 6),
    ("trace-sock", 7),
    ("l7", 129),
    ("agent", 130),
    ("unspec", 0),
];

const TRACE: i32 = 4;

pub(super) const FLAGS: &[FilterFlag] = &[FilterFlag::new(
    "type",
    "TYPE[:SUBTYPE]",
    "Flows of this event type: drop, policy-verdict, l7, capture, trace-sock, or trace with an observation point, such as `trace:to-endpoint`",
    |pair, value| {
        pair.push(|f| &mut f.event_type, parse(value)?);
        Ok(())
    },
)
.short('t')];

fn parse(value: &str) -> Result<EventTypeFilter, String> {
    let (name, subtype) = match value.split_once(':') {
        Some((name, subtype)) => (name, Some(subtype)),
        None => (value, None),
    };
    let number = find(&TYPES, name).or_else(|| parse_number(name)).ok_or_else(|| {
        format!(
            "unable to parse type '{name}', not a number and not one of drop, capture, trace, policy-verdict, trace-sock, l7"
        )
    })?;
    let sub_number = match subtype {
        None => None,
        Some(subtype) => Some(
            (number == TRACE)
                .then(|| find(&OBSERVATION_POINTS, subtype))
                .flatten()
                .or_else(|| parse_number(subtype))
                .ok_or_else(|| {
                    format!(
                        "unable to parse event sub-type '{subtype}', not a number and not a known sub-type of {name}"
                    )
                })?,
        ),
    };
    Ok(EventTypeFilter {
        r#type: number,
        match_sub_type: sub_number.is_some(),
        sub_type: sub_number.unwrap_or_default(),
    })
}

fn find(names: &[(&str, i32)], wanted: &str) -> Option<i32> {
    names
        .iter()
        .find(|(name, _)| *name == wanted)
        .map(|(_, number)| *number)
}

fn parse_number(text: &str) -> Option<i32> {
    text.parse().ok().filter(|number| *number >= 0)
}
