//! Points in time and spans of time, as users write them and as output shows them. All in UTC.

pub(crate) mod calendar;
pub(crate) mod duration;
pub(crate) mod format;
pub(crate) mod instant;
