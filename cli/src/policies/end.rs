//! One end of the connection that `tycho policy verdict` asks about.

use std::net::IpAddr;

use proto::tycho::v1::VerdictEnd;
use proto::tycho::v1::verdict_end::End;

use crate::filters::identity;

/// Reads an end: `ip:`, `identity:` and `endpoint:` say what follows; an address is one, all else is a label selector.
pub(super) fn parse(text: &str) -> Result<VerdictEnd, String> {
    let end = if let Some(address) = text.strip_prefix("ip:") {
        let address: IpAddr = address.parse().map_err(|_none| {
            format!("{address:?} is not an IP address; write ip:10.1.0.11 or ip:fd00::11")
        })?;
        End::Ip(address.to_string())
    } else if let Some(number) = text.strip_prefix("identity:") {
        End::Identity(identity::parse(number)?)
    } else if let Some(name) = text.strip_prefix("endpoint:") {
        if name.is_empty() {
            return Err("an endpoint has a name; write endpoint:shop/db".to_owned());
        }
        End::Endpoint(name.to_owned())
    } else if let Ok(address) = text.parse::<IpAddr>() {
        End::Ip(address.to_string())
    } else if text.trim().is_empty() {
        return Err("it is empty; write a label selector such as role=frontend".to_owned());
    } else {
        End::Selector(text.to_owned())
    };
    Ok(VerdictEnd { end: Some(end) })
}

#[cfg(test)]
mod tests {
    use super::{End, parse};

    #[test]
    fn each_form() {
        let text = |text: &str| text.to_owned();
        for (given, expected) in [
            ("role=frontend", End::Selector(text("role=frontend"))),
            (
                "k8s:role in (a,b)",
                End::Selector(text("k8s:role in (a,b)")),
            ),
            ("reserved:world", End::Selector(text("reserved:world"))),
            ("ip:10.0.0.1", End::Ip(text("10.0.0.1"))),
            ("fd00::1", End::Ip(text("fd00::1"))),
            ("identity:256", End::Identity(256)),
            ("identity:world", End::Identity(2)),
            ("endpoint:shop/db", End::Endpoint(text("shop/db"))),
        ] {
            assert_eq!(parse(given).expect(given).end, Some(expected));
        }
        for given in ["", " ", "ip:x", "identity:nobody", "endpoint:"] {
            assert!(parse(given).is_err(), "{given}");
        }
    }
}
