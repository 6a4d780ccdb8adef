//! `--uuid`: the flow with one reference.

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[FilterFlag::new(
    "uuid",
    "UUID",
    "The flow with this reference",
    |pair, value| {
        pair.push(|f| &mut f.uuid, value.to_owned());
        Ok(())
    },
)];
