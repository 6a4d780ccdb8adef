//! `--port`, `--from-port`, `--to-port`: TCP, UDP and SCTP ports.

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new(
        "port",
        "PORT",
        "Flows with this port at either end",
        |pair, value| {
            let port = parse(value)?;
            pair.push_either(|f| &mut f.source_port, |f| &mut f.destination_port, port);
            Ok(())
        },
    ),
    FilterFlag::new(
        "from-port",
        "PORT",
        "Flows with this source port",
        |pair, value| {
            pair.push(|f| &mut f.source_port, parse(value)?);
            Ok(())
        },
    ),
    FilterFlag::new(
        "to-port",
        "PORT",
        "Flows with this destination port",
        |pair, value| {
            pair.push(|f| &mut f.destination_port, parse(value)?);
            Ok(())
        },
    ),
];

fn parse(value: &str) -> Result<String, String> {
    match value.parse::<u16>() {
        Ok(port) if !value.starts_with('+') => Ok(port.to_string()),
        _ => Err(format!(
            "{value:?} is not a port; a port is a number from 0 to 65535"
        )),
    }
}
