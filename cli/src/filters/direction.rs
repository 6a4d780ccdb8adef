//! `--traffic-direction`: the direction as the reporting endpoint sees it.

use proto::flow::TrafficDirection;

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[FilterFlag::new(
    "traffic-direction",
    "DIRECTION",
    "Flows in this direction: ingress or egress",
    |pair, value| {
        let direction = match value.to_ascii_lowercase().as_str() {
            "ingress" => TrafficDirection::Ingress,
            "egress" => TrafficDirection::Egress,
            other => {
                return Err(format!(
                    "{other}: invalid traffic direction, expected ingress or egress"
                ));
            }
        };
        pair.push(|f| &mut f.traffic_direction, direction.into());
        Ok(())
    },
)];
