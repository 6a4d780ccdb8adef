//! What became of a packet at one hook, and what was around it.

use std::fmt;

use super::case::InForce;
use super::event::Event;
use super::scenery::Scenery;
use super::world::World;

/// What became of a packet at one hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// It goes on.
    pub(super) passes: bool,
    /// What is told.
    pub(super) events: Vec<Event>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "passes: {}", self.passes)?;
        for event in &self.events {
            write!(out, "\n  {event:?}")?;
        }
        Ok(())
    }
}

/// All that is around.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    /// Everybody.
    pub(super) world: &'a World,
    /// The policies.
    pub(super) in_force: &'a InForce,
    /// Who is who now.
    pub(super) scenery: &'a Scenery,
}
