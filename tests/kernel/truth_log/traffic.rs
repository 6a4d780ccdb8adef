//! Datagrams between all places, and to the address that wanders, until they are told to stop.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tests::site::Site;

use super::change::{PORTS, WANDERING};

/// Between two rounds of datagrams to everybody.
const PAUSE: Duration = Duration::from_millis(25);

/// Senders in every place.
pub(super) struct Traffic {
    over: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
}

impl Traffic {
    /// Starts a sender in each place.
    pub(super) fn start(site: &Site, places: &[&str]) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let addresses = |ipv6| places.iter().map(move |place| site.at(place, ipv6, 0).ip());
        let all: Vec<IpAddr> = addresses(false).chain(addresses(true)).collect();
        let senders = places.iter().map(|place| {
            let own = [false, true].map(|ipv6| site.at(place, ipv6, 0).ip());
            let mut others: Vec<IpAddr> = all
                .iter()
                .copied()
                .filter(|other| !own.contains(other))
                .collect();
            others.push(WANDERING.parse().expect("an address"));
            let over = Arc::clone(&over);
            site.namespace(place)
                .spawn(move || send(own, &others, &over))
                .expect("it can be entered")
        });
        Self {
            senders: senders.collect(),
            over,
        }
    }

    /// Stops them.
    pub(super) fn stop(self) {
        self.over.store(true, Ordering::Relaxed);
        for sender in self.senders {
            sender.join().expect("a sender ends well");
        }
    }
}

fn send(own: [IpAddr; 2], others: &[IpAddr], over: &AtomicBool) {
    let sockets = own.map(|address| UdpSocket::bind((address, 0)).expect("an own address"));
    while !over.load(Ordering::Relaxed) {
        for other in others {
            for port in PORTS {
                // That nobody listens comes back as an error of a later call.
                drop(
                    sockets[usize::from(other.is_ipv6())]
                        .send_to(b"hello", SocketAddr::new(*other, port)),
                );
            }
        }
        std::thread::sleep(PAUSE);
    }
}
