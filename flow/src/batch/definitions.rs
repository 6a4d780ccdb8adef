//! Definitions as messages, and back.

use bpf_events::record::{DIRECTION_EGRESS, DIRECTION_INGRESS};
use prost::Message as _;
use proto::flow::{Endpoint, Policy, TrafficDirection};
use proto::tycho::v1::{InterfaceDefinition, MetadataDefinition, RuleDefinition};

use super::BatchError;
use crate::metadata::{MetadataContent, MetadataVersion};
use crate::rules::{PolicyRef, Rule, RuleAction, RuleInfo};

pub(super) fn metadata_definition(lane: u32, version: &MetadataVersion) -> MetadataDefinition {
    MetadataDefinition {
        lane,
        index: version.index(),
        endpoint: version.endpoint_bytes().into(),
        from_ns: version.from_ns(),
    }
}

pub(super) fn metadata_version(
    definition: &MetadataDefinition,
) -> Result<MetadataVersion, BatchError> {
    let index = definition.index;
    let endpoint = Endpoint::decode(&*definition.endpoint)
        .map_err(|source| BatchError::Endpoint { index, source })?;
    let content = MetadataContent::try_from(&endpoint)
        .map_err(|source| BatchError::Labels { index, source })?;
    Ok(MetadataVersion::new(index, content, definition.from_ns))
}

pub(super) fn rule_definition(lane: u32, number: u32, rule: &Rule) -> RuleDefinition {
    let info = rule.info();
    let direction = match info.direction {
        DIRECTION_INGRESS => TrafficDirection::Ingress,
        DIRECTION_EGRESS => TrafficDirection::Egress,
        _ => TrafficDirection::Unknown,
    };
    let policy = |policy: &PolicyRef| Policy {
        name: policy.name.clone(),
        namespace: policy.namespace.clone(),
        labels: policy.labels.clone(),
        revision: 0,
        kind: policy.kind.clone(),
    };
    RuleDefinition {
        lane,
        number,
        policies: info.policies.iter().map(policy).collect(),
        index: info.index.map_or(0, |index| index.saturating_add(1)),
        direction: direction.into(),
        deny: info.action == RuleAction::Deny,
        description: info.description.clone(),
    }
}

pub(super) fn rule_info(definition: &RuleDefinition) -> RuleInfo {
    let direction = match definition.direction() {
        TrafficDirection::Ingress => DIRECTION_INGRESS,
        TrafficDirection::Egress => DIRECTION_EGRESS,
        TrafficDirection::Unknown => 0,
    };
    let policy = |policy: &Policy| PolicyRef {
        kind: policy.kind.clone(),
        namespace: policy.namespace.clone(),
        name: policy.name.clone(),
        labels: policy.labels.clone(),
    };
    RuleInfo {
        policies: definition.policies.iter().map(policy).collect(),
        index: definition.index.checked_sub(1),
        direction,
        action: if definition.deny {
            RuleAction::Deny
        } else {
            RuleAction::Allow
        },
        description: definition.description.clone(),
    }
}

pub(super) fn interface_definition(lane: u32, index: u32, name: &str) -> InterfaceDefinition {
    InterfaceDefinition {
        lane,
        index,
        name: name.to_owned(),
    }
}
