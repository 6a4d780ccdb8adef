//! What a document says of its policy besides the specification.

use std::sync::Arc;

use crate::rule::{Policy, PolicyName, Rule};
use crate::selector::Selector;

/// Whose specification it is.
pub(super) struct Owner<'a> {
    pub(super) name: Arc<PolicyName>,
    pub(super) audited: bool,
    pub(super) file: &'a str,
    pub(super) line: u32,
    pub(super) text: Arc<str>,
}

impl Owner<'_> {
    /// The whole policy; `default_deny` is of ingress and of egress.
    pub(super) fn policy(
        self,
        subject: Arc<Selector>,
        default_deny: (bool, bool),
        rules: Vec<Rule>,
    ) -> Policy {
        Policy {
            name: self.name,
            subject,
            default_deny_ingress: default_deny.0,
            default_deny_egress: default_deny.1,
            audited: self.audited,
            rules,
            file: self.file.to_owned(),
            line: self.line,
            text: self.text,
        }
    }
}
