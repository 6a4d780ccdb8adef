//! Where the rows of a merged stream go, and what a turn of merging came to.

use bytes::Bytes;
use flow::encode::Names;
use flow::row::ROW_WORDS;
use proto::relay::NodeStatusEvent;

/// What a client gets.
pub(crate) trait Sink {
    /// Whether what there is should go out before more is added.
    fn is_full(&self) -> bool;
    /// A lane of a source is a node from now on.
    fn lane(&mut self, source: usize, lane: u16, names: &Names);
    /// The tables of a lane have grown.
    fn defined(&mut self, source: usize, lane: u16);
    /// Takes a row.
    fn row(&mut self, row: Row<'_>);
    /// Takes a response of a node that has no rows.
    fn response(&mut self, time_ns: u64, response: Bytes, is_flow: bool);
    /// Takes news of nodes.
    fn status(&mut self, status: NodeStatusEvent);
    /// So many flows come before those that follow.
    fn expected(&mut self, flows: u64);
    /// Nothing earlier will come.
    fn watermark(&mut self, watermark_ns: u64);
}

/// A row of a source.
pub(crate) struct Row<'a> {
    pub(crate) source: usize,
    pub(crate) lane: u16,
    pub(crate) sequence: u64,
    pub(crate) words: &'a [u64; ROW_WORDS],
    pub(crate) is_flow: bool,
}

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// What there is should go out.
    Full,
    /// Others get their turn first.
    Yield,
    /// There is nothing more now.
    Wait,
    /// There is nothing more at all.
    End,
}
