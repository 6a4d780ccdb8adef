//! The IP cache: endpoints' addresses, the node's own, and the networks that policies name.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bpf_events::ipcache::{ADDRESS_LOCAL_HOST, ADDRESS_MANAGED, AddressInfo};
use bpf_loader::LoaderError;
use bpf_loader::addresses::Addresses;
use policy::{Cidr, Identity};

use super::resolving::Resolving;
use crate::control::{IpCacheChange, IpCacheNews};
use crate::desired::{DesiredEndpoint, DesiredPrefix, RemoteAddresses};

/// What every address should resolve to.
pub(super) fn wanted(
    endpoints: &[DesiredEndpoint],
    node: &BTreeSet<IpAddr>,
    managed: impl Fn(&DesiredEndpoint) -> bool,
) -> HashMap<IpAddr, AddressInfo> {
    let host = AddressInfo {
        identity: Identity::HOST.0,
        metadata: Identity::HOST.0,
        endpoint: 0,
        flags: ADDRESS_LOCAL_HOST,
    };
    let mut wanted: HashMap<IpAddr, AddressInfo> =
        node.iter().map(|address| (*address, host)).collect();
    for endpoint in endpoints {
        let info = AddressInfo {
            identity: endpoint.row.identity,
            metadata: endpoint.row.metadata,
            endpoint: endpoint.row.endpoint,
            flags: if managed(endpoint) {
                ADDRESS_MANAGED
            } else {
                0
            },
        };
        wanted.extend(endpoint.addresses.iter().map(|address| (*address, info)));
    }
    wanted
}

/// Adds the addresses of other nodes; what is known of this node itself goes first.
pub(super) fn with_remotes(
    own: &HashMap<IpAddr, AddressInfo>,
    remotes: &RemoteAddresses,
) -> HashMap<IpAddr, AddressInfo> {
    let infos = remotes.iter();
    let infos = infos.map(|(address, remote)| (*address, remote.info()));
    let mut wanted = HashMap::with_capacity(own.len() + remotes.len());
    wanted.extend(infos);
    wanted.extend(own);
    wanted
}

/// What every network should resolve to.
pub(super) fn wanted_prefixes(prefixes: &[DesiredPrefix]) -> HashMap<Cidr, AddressInfo> {
    let infos = prefixes.iter().map(|prefix| {
        let info = AddressInfo {
            identity: prefix.identity.0,
            metadata: prefix.metadata,
            endpoint: 0,
            flags: 0,
        };
        (prefix.cidr, info)
    });
    infos.collect()
}

/// What was written of addresses, and from what.
#[derive(Debug)]
struct Says {
    own: HashMap<IpAddr, AddressInfo>,
    remotes: Arc<RemoteAddresses>,
}

/// What addresses should say, if that is not what they say already.
#[derive(Debug)]
pub(super) struct Change {
    says: Says,
    all: HashMap<IpAddr, AddressInfo>,
}

/// One part of the IP cache, as it was written.
#[derive(Debug)]
pub(super) struct Written<K> {
    entries: HashMap<K, AddressInfo>,
}

impl<K: Copy + Eq + Hash + Into<Cidr>> Written<K> {
    /// What an earlier process left behind.
    pub(super) fn adopt(
        entries: impl IntoIterator<Item = (K, AddressInfo)>,
        resolving: &mut Resolving,
    ) -> Self {
        let entries: HashMap<K, AddressInfo> = entries.into_iter().collect();
        for info in entries.values() {
            resolving.add(info.identity);
        }
        Self { entries }
    }

    /// Writes what is new or different; whether there was anything.
    pub(super) fn set(
        &mut self,
        wanted: &HashMap<K, AddressInfo>,
        resolving: &mut Resolving,
        news: &mut IpCacheNews,
        mut write: impl FnMut(K, AddressInfo) -> Result<(), LoaderError>,
    ) -> Result<bool, LoaderError> {
        let mut changed = false;
        for (key, info) in wanted {
            if self.entries.get(key) != Some(info) {
                write(*key, *info)?;
                resolving.add(info.identity);
                let before = self.entries.insert(*key, *info);
                if let Some(before) = before {
                    resolving.remove(before.identity, Instant::now());
                }
                news.add(IpCacheChange {
                    cidr: (*key).into(),
                    before,
                    now: Some(*info),
                });
                changed = true;
            }
        }
        Ok(changed)
    }

    /// Removes what is not wanted; whether there was anything.
    pub(super) fn remove_others(
        &mut self,
        wanted: &HashMap<K, AddressInfo>,
        resolving: &mut Resolving,
        news: &mut IpCacheNews,
        mut remove: impl FnMut(K) -> Result<(), LoaderError>,
    ) -> Result<bool, LoaderError> {
        let gone: Vec<K> = self
            .entries
            .keys()
            .filter(|key| !wanted.contains_key(*key))
            .copied()
            .collect();
        for key in &gone {
            remove(*key)?;
            if let Some(before) = self.entries.remove(key) {
                resolving.remove(before.identity, Instant::now());
                news.add(IpCacheChange {
                    cidr: (*key).into(),
                    before: Some(before),
                    now: None,
                });
            }
        }
        Ok(!gone.is_empty())
    }
}

/// The IP cache as it was written.
#[derive(Debug)]
pub(super) struct IpCache {
    addresses: Written<IpAddr>,
    /// What it says of addresses in full; none while that is not certain. There may be many of other nodes, and most looks
    /// find nothing new.
    says: Option<Says>,
    prefixes: Written<Cidr>,
    /// The identities in it.
    pub(super) resolving: Resolving,
    /// What has changed since somebody asked.
    pub(super) news: IpCacheNews,
}

impl IpCache {
    pub(super) fn adopt(kernel: &Addresses) -> Result<Self, LoaderError> {
        let mut resolving = Resolving::default();
        // A prefix that is none cannot have been written by us, and is left alone.
        let prefixes = kernel.prefixes()?.into_iter();
        let prefixes =
            prefixes.filter_map(|((address, bits), info)| Some((Cidr::new(address, bits)?, info)));
        Ok(Self {
            addresses: Written::adopt(kernel.all()?, &mut resolving),
            says: None,
            prefixes: Written::adopt(prefixes, &mut resolving),
            resolving,
            news: IpCacheNews::default(),
        })
    }

    /// What is to be written of addresses: of this node's own, and of those of other nodes.
    pub(super) fn change(
        &mut self,
        own: HashMap<IpAddr, AddressInfo>,
        remotes: &Arc<RemoteAddresses>,
    ) -> Option<Change> {
        let says = self.says.as_ref();
        if says.is_some_and(|says| says.own == own && Arc::ptr_eq(&says.remotes, remotes)) {
            return None;
        }
        // Until all of it is written.
        self.says = None;
        let all = with_remotes(&own, remotes);
        let remotes = Arc::clone(remotes);
        Some(Change {
            says: Says { own, remotes },
            all,
        })
    }

    /// Writes networks first, then addresses: whoever has an address of its own loses it last.
    pub(super) fn set(
        &mut self,
        kernel: &mut Addresses,
        addresses: Option<&Change>,
        prefixes: &HashMap<Cidr, AddressInfo>,
    ) -> Result<bool, LoaderError> {
        let (resolving, news) = (&mut self.resolving, &mut self.news);
        let networks = self.prefixes.set(prefixes, resolving, news, |cidr, info| {
            kernel.set_prefix(cidr.address(), cidr.bits(), info)
        });
        // What was written takes effect even if the rest fails.
        let exact = addresses.map_or(Ok(false), |change| {
            self.addresses
                .set(&change.all, resolving, news, |address, info| {
                    kernel.set(address, info)
                })
        });
        Ok(networks? | exact?)
    }

    /// Removes addresses first, then networks.
    pub(super) fn remove_others(
        &mut self,
        kernel: &mut Addresses,
        addresses: Option<Change>,
        prefixes: &HashMap<Cidr, AddressInfo>,
    ) -> Result<bool, LoaderError> {
        let (resolving, news) = (&mut self.resolving, &mut self.news);
        let exact = addresses.map_or(Ok(false), |change| {
            let remove = |address| kernel.remove(address);
            let addresses = &mut self.addresses;
            let removed = addresses.remove_others(&change.all, resolving, news, remove)?;
            self.says = Some(change.says);
            Ok(removed)
        });
        let networks = self
            .prefixes
            .remove_others(prefixes, resolving, news, |cidr| {
                kernel.remove_prefix(cidr.address(), cidr.bits())
            });
        Ok(exact? | networks?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(identity: u32) -> AddressInfo {
        AddressInfo {
            identity,
            metadata: identity,
            endpoint: 0,
            flags: 0,
        }
    }

    #[test]
    fn only_differences_are_written_and_identities_are_counted() {
        let mut resolving = Resolving::default();
        let mut news = IpCacheNews::default();
        let [one, two, three] = [1, 2, 3].map(|last| IpAddr::from([10, 0, 0, last]));
        let mut written = Written::adopt([(one, info(300)), (two, info(301))], &mut resolving);
        let wanted = HashMap::from([(one, info(300)), (two, info(302)), (three, info(302))]);
        let mut log = Vec::new();
        let mut set = |written: &mut Written<IpAddr>, resolving: &mut Resolving| {
            let changed = written.set(&wanted, resolving, &mut news, |key, info| {
                log.push((key, info.identity));
                Ok(())
            });
            changed.unwrap()
        };
        assert!(set(&mut written, &mut resolving));
        assert!(!set(&mut written, &mut resolving), "it is written already");
        log.sort_unstable();
        assert_eq!(log, [(two, 302), (three, 302)]);
        let fewer = HashMap::from([(three, info(302))]);
        let mut gone = Vec::new();
        let removed = written.remove_others(&fewer, &mut resolving, &mut news, |key| {
            gone.push(key);
            Ok(())
        });
        gone.sort_unstable();
        assert_eq!((removed.unwrap(), gone), (true, vec![one, two]));
        let of = |info: Option<AddressInfo>| info.map(|info| info.identity);
        let told = news.changes.iter();
        let told = told.map(|one| (one.cidr.to_string(), of(one.before), of(one.now)));
        let told: BTreeSet<_> = told.collect();
        let expect = [
            ("10.0.0.1/32", Some(300), None),
            ("10.0.0.2/32", Some(301), Some(302)),
            ("10.0.0.2/32", Some(302), None),
            ("10.0.0.3/32", None, Some(302)),
        ];
        let expect = expect.map(|(cidr, before, now)| (cidr.to_owned(), before, now));
        assert_eq!(told, BTreeSet::from(expect));
        // Programs that have read the cache before may still know the others.
        for identity in [300, 301, 302] {
            assert!(resolving.contains(Identity(identity)), "{identity}");
        }
        assert!(!resolving.contains(Identity(303)));
    }

    #[test]
    fn addresses_of_other_nodes_have_no_endpoint_and_this_node_goes_first() {
        let [own, far, other]: [IpAddr; 3] =
            ["10.0.0.254", "10.1.0.1", "fd00::1"].map(|text| text.parse().unwrap());
        let remote = |managed| crate::desired::RemoteAddress {
            identity: Identity(300),
            metadata: 40,
            managed,
        };
        let remotes = RemoteAddresses::from([
            (own, remote(true)),
            (far, remote(true)),
            (other, remote(false)),
        ]);
        let wanted = wanted(&[], &BTreeSet::from([own]), |_| true);
        let all = with_remotes(&wanted, &remotes);
        assert_eq!((all[&own].identity, all.len()), (1, 3));
        let shown = |info: AddressInfo| (info.identity, info.metadata, info.endpoint, info.flags);
        assert_eq!(shown(all[&far]), (300, 40, 0, ADDRESS_MANAGED));
        assert_eq!(shown(all[&other]), (300, 40, 0, 0));
    }

    #[test]
    fn the_node_has_its_own_addresses_and_networks_theirs() {
        let address: IpAddr = "10.0.0.254".parse().unwrap();
        let wanted = wanted(&[], &BTreeSet::from([address]), |_| true);
        let host = wanted[&address];
        assert_eq!((host.identity, host.flags), (1, ADDRESS_LOCAL_HOST));
        let cidr: Cidr = "192.0.2.0/24".parse().unwrap();
        let prefixes = wanted_prefixes(&[DesiredPrefix {
            cidr,
            identity: Identity(1 << 24),
            metadata: 40,
        }]);
        let network = prefixes[&cidr];
        assert_eq!(
            (network.identity, network.metadata, network.flags),
            (1 << 24, 40, 0)
        );
    }
}
