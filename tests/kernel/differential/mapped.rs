//! IPv6 packets with addresses that map IPv4 ones: each family has its own answer to who has an address.

use std::net::IpAddr;

use bpf_events::record::MARK_IPV6;
use bpf_loader::Probe;
use tests::frame::{UDP, Wrapping, frame, udp};

use super::world::World;

fn mapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().into(),
        IpAddr::V6(_) => address,
    }
}

#[test]
fn a_mapped_address_is_not_the_address() {
    let mut node = World::node("dfm");
    let world = World::settle(&mut node);
    let (web, db) = (&world.locals[0], &world.locals[3]);
    let [from, to] = [web, db].map(|local| local.known.addresses[0]);
    let plain = (from, to, db.known.identity.0);
    // Nobody has that address, so it is the world's.
    let tricky = (web.known.addresses[1], mapped(to), 2);
    let mut port = 30_000;
    for order in [[plain, tricky], [tricky, plain]] {
        node.datapath.bump_identity_epoch();
        for (source, destination, identity) in order {
            port += 1;
            let packet = udp(port, 53);
            let packet = frame(source, destination, UDP, Wrapping::default(), &packet);
            node.inject("web", Probe::FromEndpoint, &packet);
            let records = node.records();
            let [first, ..] = &records[..] else {
                panic!("nothing was told of {source} > {destination}")
            };
            assert_eq!(first.marks & MARK_IPV6 != 0, source.is_ipv6());
            assert_eq!(first.reason, 0, "{source} > {destination}");
            assert_eq!(
                first.destination_identity, identity,
                "{source} > {destination} in {order:?}"
            );
        }
        // Nor may the endpoint send from the mapping of its own address.
        let packet = frame(
            mapped(from),
            mapped(to),
            UDP,
            Wrapping::default(),
            &udp(port, 54),
        );
        node.inject("web", Probe::FromEndpoint, &packet);
        let reasons: Vec<u8> = node.records().iter().map(|record| record.reason).collect();
        assert_eq!(reasons, [132], "an alien source");
    }
}
