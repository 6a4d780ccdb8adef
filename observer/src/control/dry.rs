//! Maps that are not there: a node that plans and answers, and enforces nothing.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use super::maps::{IpCacheNews, MapPressure, Maps, MapsError, Place, RuleTotal};
use crate::desired::{Desired, InUse};
use crate::pipeline::wall_ns;

/// Takes everything and does nothing. Every endpoint waits for an interface.
#[derive(Debug)]
pub(crate) struct DryMaps {
    since_ns: u64,
}

impl DryMaps {
    pub(crate) fn new() -> Self {
        Self {
            since_ns: wall_ns(),
        }
    }
}

impl Maps for DryMaps {
    fn apply(&mut self, _desired: &Desired, _new: bool) -> Result<(), MapsError> {
        Ok(())
    }

    fn take_ip_cache_news(&mut self) -> IpCacheNews {
        IpCacheNews::default()
    }

    fn place(&self, _endpoint: &str) -> Place {
        Place::Waiting {
            reason: "this node has no kernel part".to_owned(),
        }
    }

    fn node_addresses(&self) -> BTreeSet<IpAddr> {
        BTreeSet::new()
    }

    fn sweep(&mut self) -> Result<(), MapsError> {
        Ok(())
    }

    fn reclaim_edges(&mut self, _idle: Duration) -> Result<u64, MapsError> {
        Ok(0)
    }

    fn forget_numbers(&mut self, _rules: &[u32], _identities: &[u32]) -> Result<(), MapsError> {
        Ok(())
    }

    fn in_use(&mut self) -> Result<InUse, MapsError> {
        Ok(InUse::default())
    }

    fn rule_totals(&mut self) -> Result<HashMap<u32, RuleTotal>, MapsError> {
        Ok(HashMap::new())
    }

    fn counted_since_ns(&self) -> u64 {
        self.since_ns
    }

    fn pressure(&mut self) -> Result<Vec<MapPressure>, MapsError> {
        Ok(Vec::new())
    }

    fn detach(&mut self) -> Result<(), MapsError> {
        Ok(())
    }
}
