//! Maps that are not there: a node that plans and answers, and enforces nothing.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use policy::Cidr;

use super::maps::{
    CountedEdges, IpCacheChange, IpCacheNews, MapPressure, Maps, MapsError, Place, RuleTotal,
};
use crate::desired::{Desired, InUse, RemoteAddress, RemoteAddresses};
use crate::pipeline::wall_ns;

/// Takes everything and writes nothing. Every endpoint waits for an interface. It tells what the IP cache would say of
/// other nodes, as that is all that there is to see of them here.
#[derive(Debug)]
pub(crate) struct DryMaps {
    since_ns: u64,
    remotes: Arc<RemoteAddresses>,
    news: IpCacheNews,
}

impl DryMaps {
    pub(crate) fn new() -> Self {
        Self {
            since_ns: wall_ns(),
            remotes: Arc::default(),
            news: IpCacheNews::default(),
        }
    }
}

impl Maps for DryMaps {
    fn apply(&mut self, desired: &Desired, _new: bool) -> Result<(), MapsError> {
        let before = std::mem::replace(&mut self.remotes, Arc::clone(&desired.remotes));
        let of_both = before.keys().chain(self.remotes.keys());
        for address in of_both.copied().collect::<BTreeSet<IpAddr>>() {
            let [before, now] = [&before, &self.remotes].map(|all| all.get(&address));
            if before != now {
                self.news.add(IpCacheChange {
                    cidr: Cidr::from(address),
                    before: before.map(RemoteAddress::info),
                    now: now.map(RemoteAddress::info),
                });
            }
        }
        Ok(())
    }

    fn take_ip_cache_news(&mut self) -> IpCacheNews {
        std::mem::take(&mut self.news)
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

    fn edges(&mut self) -> Result<CountedEdges, MapsError> {
        Ok(CountedEdges::default())
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
