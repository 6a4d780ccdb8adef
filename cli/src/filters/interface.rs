//! `--interface`: the interface on which the flow was seen.

use proto::flow::NetworkInterface;

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[FilterFlag::new(
    "interface",
    "NAME",
    "Flows seen at the interface of this name",
    |pair, value| {
        let interface = NetworkInterface {
            name: value.to_owned(),
            ..Default::default()
        };
        pair.push(|f| &mut f.interface, interface);
        Ok(())
    },
)];
