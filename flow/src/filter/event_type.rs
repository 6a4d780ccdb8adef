//! `event_type`: Hubble's type (0 is any) and, if asked for, its sub-type.

use proto::flow::EventTypeFilter;

use crate::encode::event_sub_type;

#[derive(Debug)]
pub(super) struct EventTypes(Vec<EventTypeFilter>);

impl EventTypes {
    pub(super) fn new(types: &[EventTypeFilter]) -> Self {
        Self(types.to_vec())
    }

    #[inline]
    pub(super) fn test(&self, ports_word: u64, event_word: u64) -> bool {
        let [.., kind, _flags] = ports_word.to_le_bytes();
        let [reason, _match_type, observation_point, ..] = event_word.to_le_bytes();
        let sub_type = i32::from(event_sub_type(kind, reason, observation_point));
        self.0.iter().any(|wanted| {
            (wanted.r#type == 0 || wanted.r#type == i32::from(kind))
                && (!wanted.match_sub_type || wanted.sub_type == sub_type)
        })
    }
}
