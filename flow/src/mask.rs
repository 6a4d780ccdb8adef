//! Field masks: which fields of `flow.Flow` a client wants.

use prost_reflect::{Kind, MessageDescriptor};
use prost_types::FieldMask;

use crate::wire::{BYTES, Field, next_field, put_varint};

/// Why a mask is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid fieldmask: flow.Flow has no field {path:?}")]
pub struct MaskError {
    /// The path that leads nowhere.
    pub path: String,
}

/// A compiled mask; by default everything is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mask {
    /// `None` keeps everything.
    root: Option<MaskNode>,
}

/// The fields that are kept of one message, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MaskNode {
    fields: Vec<(u32, Keep)>,
}

/// What is kept of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Nothing.
    Skip,
    /// All of it.
    Whole,
    /// Some fields of the message that it is.
    Part(MaskNode),
}

impl Mask {
    /// Checks a mask (paths relative to `flow.Flow`, proto names) against the contract. No paths keep everything.
    ///
    /// As in protobuf, a repeated field can only be the last part of a path.
    ///
    /// # Errors
    /// The first path that is not of `flow.Flow`.
    pub fn compile(mask: &FieldMask) -> Result<Self, MaskError> {
        if mask.paths.is_empty() {
            return Ok(Self::default());
        }
        let flow = proto::descriptor_pool()
            .get_message_by_name("flow.Flow")
            .expect("the contract has flow.Flow: its Rust type is generated from the same files");
        let mut root = MaskNode::default();
        for path in &mask.paths {
            let numbers = resolve(&flow, path).ok_or_else(|| MaskError { path: path.clone() })?;
            root.add(&numbers);
        }
        Ok(Self { root: Some(root) })
    }

    /// Whether every field is kept.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.root.is_none()
    }

    /// Appends what is kept of an encoded `flow.Flow`.
    pub(crate) fn prune(&self, flow: &[u8], out: &mut Vec<u8>) {
        match &self.root {
            Some(root) => root.prune(flow, out),
            None => out.extend_from_slice(flow),
        }
    }

    /// What is kept of a field of `flow.Flow`.
    pub(crate) fn keep(&self, number: u32) -> Keep {
        self.root
            .as_ref()
            .map_or(Keep::Whole, |root| root.keep(number).clone())
    }
}

impl MaskNode {
    fn add(&mut self, path: &[u32]) {
        let Some((&number, rest)) = path.split_first() else {
            return;
        };
        let place = self
            .fields
            .iter()
            .position(|&(known, _)| known == number)
            .unwrap_or_else(|| {
                self.fields.push((number, Keep::Part(Self::default())));
                self.fields.len() - 1
            });
        let keep = &mut self.fields[place].1;
        if rest.is_empty() {
            *keep = Keep::Whole;
        } else if let Keep::Part(node) = keep {
            node.add(rest);
        }
    }

    fn keep(&self, number: u32) -> &Keep {
        self.fields
            .iter()
            .find(|&&(known, _)| known == number)
            .map_or(&Keep::Skip, |(_, keep)| keep)
    }

    /// Appends what is kept of an encoded message.
    pub(crate) fn prune(&self, message: &[u8], out: &mut Vec<u8>) {
        let mut rest = message;
        while let Some(field) = next_field(&mut rest) {
            match self.keep(field.number) {
                Keep::Skip => {}
                Keep::Whole => out.extend_from_slice(field.whole),
                Keep::Part(node) => node.prune_field(&field, out),
            }
        }
    }

    /// Appends a field that is a message, pruned by this node. It stays even if nothing of it is left.
    pub(crate) fn prune_field(&self, field: &Field<'_>, out: &mut Vec<u8>) {
        if field.wire_type != BYTES {
            return;
        }
        let mut kept = Vec::with_capacity(field.value.len());
        self.prune(field.value, &mut kept);
        put_varint(out, u64::from(field.number << 3 | BYTES));
        put_varint(out, kept.len() as u64);
        out.extend_from_slice(&kept);
    }
}

/// The field numbers along a path.
fn resolve(flow: &MessageDescriptor, path: &str) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    let mut message = Some(flow.clone());
    for name in path.split('.') {
        let field = message?.get_field_by_name(name)?;
        numbers.push(field.number());
        message = match field.kind() {
            Kind::Message(inner) if !field.is_list() && !field.is_map() => Some(inner),
            _ => None,
        };
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(paths: &[&str]) -> Result<Mask, MaskError> {
        Mask::compile(&FieldMask {
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
        })
    }

    #[test]
    fn paths_of_flow_are_known_and_others_are_named() {
        let check = |path: &str, valid: bool| match compile(&[path]) {
            Ok(_) => assert!(valid, "{path}"),
            Err(error) => {
                assert!(!valid, "{path}");
                assert_eq!(
                    error.to_string(),
                    format!("invalid fieldmask: flow.Flow has no field {path:?}")
                );
            }
        };
        for path in [
            "time",
            "source.identity",
            "l4.TCP.flags.SYN",
            "IP",
            "Summary",
            "ip_trace_id",
            "is_reply.value",
        ] {
            check(path, true);
        }
        for path in [
            "",
            "summary",
            "ipTraceId",
            "l4.protocol",
            "source.labels.x",
            "time.",
            "source..ID",
            "uuid.x",
        ] {
            check(path, false);
        }
    }

    #[test]
    fn a_whole_field_wins_over_its_parts() {
        for paths in [["l4", "l4.TCP"], ["l4.TCP", "l4"]] {
            assert_eq!(compile(&paths).unwrap().keep(6), Keep::Whole);
        }
        assert_eq!(compile(&["l4"]).unwrap().keep(5), Keep::Skip);
        assert_eq!(compile(&[]).unwrap(), Mask::default());
    }
}
