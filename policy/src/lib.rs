//! Pure policy model: labels, selectors, identities, rules, compilation and the verdict evaluator.
//!
//! Nothing here touches the kernel, the network or a file. [`evaluate()`] is the specification of what a policy means;
//! [`Compiler`] lowers the same rules to the cells that the kernel looks up, and property tests hold the two together.
//!
//! The path of a policy: text → [`read_policies`] → [`Policy`] with its [`Rule`]s → [`PolicyRepository`] (revision,
//! stable ranks) → [`RuleSet`] → [`PolicySet`] of one subject's label set.

mod cidr;
mod compile;
mod evaluate;
mod identity;
mod label;
mod label_filter;
mod match_type;
mod named_ports;
mod nearest;
mod rank;
mod read;
mod repository;
mod rule;
mod rule_set;
mod selector;

pub use cidr::{Cidr, CidrError};
pub use compile::{Cell, Compiler, LOOKUP_ANY_PROTOCOL, PolicySet, PolicySetId};
pub use evaluate::{Decision, Enforcement, PolicyModel, Verdict, evaluate};
pub use identity::{Entity, Identities, Identity, IdentityError, OtherSide, UnknownEntity};
pub use label::{
    Label, LabelError, LabelSet, SOURCE_ANY, SOURCE_CIDR, SOURCE_KUBERNETES, SOURCE_RESERVED,
    SOURCE_UNSPECIFIED,
};
pub use label_filter::{LabelFilter, LabelFilterError};
pub use match_type::MatchType;
pub use named_ports::NamedPorts;
pub use nearest::{Difference, DifferenceKind, NearMiss, nearest};
pub use rank::Ranks;
pub use read::{
    NAMESPACE_LABEL, NAMESPACE_LABELS_PREFIX, ReadError, ReadReason, read_each, read_policies,
};
pub use repository::{PolicyRepository, RepositoryError, check_policies};
pub use rule::{
    Action, CidrPeer, Direction, L4Form, Peer, Peers, Policy, PolicyKind, PolicyName, PortRange,
    PortSpec, Ports, Rule, RuleKey, protocol,
};
pub use rule_set::{RuleRef, RuleSet};
pub use selector::{Operator, Requirement, Selector, SelectorError, SelectorReason};
