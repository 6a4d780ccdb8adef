//! `--identity`, `--from-identity`, `--to-identity`: identities by number or reserved name.

use policy::Identity;

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new(
        "identity",
        "IDENTITY",
        "Flows with an end of this identity: a number, or a reserved name such as `world`",
        |pair, value| {
            let identity = parse(value)?;
            pair.push_either(
                |f| &mut f.source_identity,
                |f| &mut f.destination_identity,
                identity,
            );
            Ok(())
        },
    ),
    FilterFlag::new(
        "from-identity",
        "IDENTITY",
        "Flows from this identity",
        |pair, value| {
            pair.push(|f| &mut f.source_identity, parse(value)?);
            Ok(())
        },
    ),
    FilterFlag::new(
        "to-identity",
        "IDENTITY",
        "Flows to this identity",
        |pair, value| {
            pair.push(|f| &mut f.destination_identity, parse(value)?);
            Ok(())
        },
    ),
];

/// Reads an identity: a number or a reserved name.
pub(crate) fn parse(value: &str) -> Result<u32, String> {
    let name = value.strip_prefix("reserved:").unwrap_or(value);
    Identity::from_name(name)
        .map(|identity| identity.0)
        .or_else(|| value.parse().ok())
        .ok_or_else(|| {
            let names: Vec<&str> = Identity::reserved().filter_map(Identity::name).collect();
            format!(
                "invalid security identity, expected one of [{}] or a numeric value",
                names.join(" ")
            )
        })
}
