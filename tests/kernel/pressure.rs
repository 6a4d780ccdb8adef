//! The IP cache in the real maps: what is adopted; and how full each map is said to be.

use bpf_events::endpoint::{EndpointRow, MODE_ENFORCE};
use bpf_events::ipcache::AddressInfo;
use bpf_loader::{Datapath, Settings};

use super::policy_sets::{Cleanup, fill, load};

#[test]
fn prefixes_and_extra_sources_are_adopted() {
    let pins = Cleanup::new("prefixes");
    let settings = Settings {
        pins: Some(pins.0.clone()),
        ..Settings::default()
    };
    let info = AddressInfo {
        identity: 1 << 24 | 7,
        metadata: 9,
        ..AddressInfo::default()
    };
    let prefixes = [("10.0.0.0", 8), ("10.1.0.0", 16), ("::", 0), ("fd00::", 8)];
    let mut datapath = load(&settings);
    for (address, bits) in prefixes {
        let address = address.parse().expect("an address");
        let addresses = &mut datapath.addresses;
        addresses.set_prefix(address, bits, info).expect("room");
        addresses.allow_source(12, address, bits).expect("room");
    }
    drop(datapath);

    let mut next = load(&settings);
    let mut found = next.addresses.prefixes().expect("readable");
    found.sort_unstable_by_key(|(prefix, _)| *prefix);
    let expected = prefixes.map(|(address, bits)| {
        let prefix = (address.parse().expect("an address"), bits);
        (prefix, info)
    });
    assert_eq!(found, expected);
    let mut sources = next.addresses.sources().expect("readable");
    sources.sort_unstable();
    assert_eq!(sources, expected.map(|(prefix, _)| (12, prefix)));
    for ((address, bits), _) in expected {
        let addresses = &mut next.addresses;
        addresses.remove_prefix(address, bits).expect("removed");
        addresses
            .disallow_source(12, address, bits)
            .expect("removed");
    }
    for map in ["IPCACHE4_CIDR", "IPCACHE6_CIDR", "SPOOFING_CIDRS"] {
        assert_eq!(fill(&next, map).0, 0, "{map}");
    }
}

#[test]
fn how_full_the_maps_are_follows_what_is_written() {
    let mut datapath = load(&Settings::default());
    for again in 0..2 {
        write_some(&mut datapath);
        check(
            &datapath,
            [
                ("IPCACHE4", 3),
                ("IPCACHE6", 3),
                ("IPCACHE4_CIDR", 3),
                ("ENDPOINT_ROWS", 1),
                ("EDGES", 0),
            ],
        );
        assert_eq!(fill(&datapath, "IPCACHE4_CIDR").1, 65_536, "pass {again}");
    }
    for _ in 0..2 {
        let addresses = &mut datapath.addresses;
        addresses.remove([10, 0, 0, 1].into()).expect("removed");
        let network = [10, 1, 0, 0].into();
        addresses.remove_prefix(network, 16).expect("removed");
    }
    check(
        &datapath,
        [
            ("IPCACHE4", 2),
            ("IPCACHE6", 3),
            ("IPCACHE4_CIDR", 2),
            ("ENDPOINT_ROWS", 1),
            ("DENIED_PORTS", 0),
        ],
    );
    for pressure in datapath.pressure().expect("readable") {
        assert!(
            !pressure.meaning.is_empty() && pressure.capacity > 0,
            "{pressure:?}"
        );
        assert!(pressure.entries <= pressure.capacity, "{pressure:?}");
    }
}

fn check(datapath: &Datapath, expect: [(&str, u64); 5]) {
    for (map, entries) in expect {
        assert_eq!(fill(datapath, map).0, entries, "{map}");
    }
}

/// Three addresses of each family, three prefixes, and one endpoint.
fn write_some(datapath: &mut Datapath) {
    let info = AddressInfo::default();
    let row = EndpointRow {
        mode: MODE_ENFORCE,
        ..EndpointRow::default()
    };
    for last in 1..=3 {
        let addresses = &mut datapath.addresses;
        addresses.set([10, 0, 0, last].into(), info).expect("room");
        let v6 = [0xfd00, 0, 0, 0, 0, 0, 0, last.into()].into();
        addresses.set(v6, info).expect("room");
        let network = [10, last, 0, 0].into();
        addresses.set_prefix(network, 16, info).expect("room");
    }
    datapath.endpoints.set(1, row).expect("room");
}
