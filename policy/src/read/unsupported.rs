//! Fields that the policy language has and Tycho does not enforce, with what to do instead.

/// A field's name, and what to do instead.
pub(super) type Unsupported = (&'static str, &'static str);

const AUTHENTICATION: Unsupported = (
    "authentication",
    "endpoints do not authenticate each other; remove it, and the rule allows without",
);
const REQUIRES: &str = "put its labels into every selector of the policy's other rules";
const NODES: &str = "name nodes with the entities host and remote-node";
const GROUPS: &str = "give the addresses as a CIDR set";

pub(super) const DOCUMENT: &[Unsupported] = &[(
    "specs",
    "write one policy with a spec for each entry, each with a name of its own",
)];

pub(super) const SPECIFICATION: &[Unsupported] = &[
    (
        "nodeSelector",
        "policies are for endpoints, not for nodes: use endpointSelector",
    ),
    ("log", "remove it: each flow names the rule that decided"),
];

pub(super) const INGRESS_RULE: &[Unsupported] = &[
    ("fromRequires", REQUIRES),
    ("fromNodes", NODES),
    ("fromGroups", GROUPS),
    AUTHENTICATION,
];

pub(super) const EGRESS_RULE: &[Unsupported] = &[
    ("toRequires", REQUIRES),
    (
        "toFQDNs",
        "names are not looked up: give the addresses with toCIDR or toCIDRSet",
    ),
    (
        "toServices",
        "select the endpoints behind the service with toEndpoints",
    ),
    ("toNodes", NODES),
    ("toGroups", GROUPS),
    AUTHENTICATION,
];

const TLS: &str = "connections are not decrypted; remove it, and the rule goes by port";

pub(super) const PORT_RULE: &[Unsupported] = &[
    (
        "rules",
        "requests are not looked into; remove it, and the rule allows all that comes to these ports",
    ),
    ("terminatingTLS", TLS),
    ("originatingTLS", TLS),
    ("serverNames", TLS),
    ("listener", "there is no proxy to hand connections to"),
];

const CIDR_GROUPS: &str = "give the networks themselves with cidr";

pub(super) const CIDR_RULE: &[Unsupported] = &[
    ("cidrGroupRef", CIDR_GROUPS),
    ("cidrGroupSelector", CIDR_GROUPS),
];
