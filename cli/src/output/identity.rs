//! Identities as people read them: `(world)`, `(ID:12001)`.

/// Names of the reserved identities, by number.
pub(crate) const RESERVED: [&str; 11] = [
    "unknown",
    "host",
    "world",
    "unmanaged",
    "health",
    "init",
    "remote-node",
    "kube-apiserver",
    "ingress",
    "world-ipv4",
    "world-ipv6",
];

/// The number of a reserved identity.
pub(crate) fn number_of(name: &str) -> Option<u32> {
    let number = RESERVED.iter().position(|reserved| *reserved == name)?;
    u32::try_from(number).ok()
}

/// The identity in parentheses, by name if it is reserved.
pub(super) fn shown(identity: u32) -> String {
    match usize::try_from(identity).ok().and_then(|i| RESERVED.get(i)) {
        Some(name) => format!("({name})"),
        None => format!("(ID:{identity})"),
    }
}
