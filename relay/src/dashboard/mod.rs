//! What the page shows, counted: new connections from the flow stream, packets and bytes from the nodes' edge totals, by
//! label sets of the whole cluster, in windows of time. No client has a part in it: all of them read the same windows.

mod cells;
mod counts;
mod identities;
mod imported;
mod live;
mod names;
mod pods;
mod rows;
mod series;
mod store;

pub(crate) use cells::Cell;
pub(crate) use counts::{DashboardCounts, Extent, locked};
pub(crate) use live::Dashboard;
pub(crate) use rows::FlowCounter;
pub(crate) use series::{SeriesKey, counts_at_hook};
pub(crate) use store::{ClosedWindow, as_ms};
