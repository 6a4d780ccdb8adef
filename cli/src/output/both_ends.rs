//! The columns of a flow that has the verdict of the other end in it, as `--dedup` makes it.

use proto::flow::{Flow, TrafficDirection, Verdict};
use proto::tycho::v1::GetFlowsResponse;

use super::{ends, flow_type, verdict};

/// The verdicts of both ends on one packet.
pub(super) struct BothEnds<'a> {
    /// Of the end that decided, if one did.
    stays: &'a Flow,
    egress: &'a Flow,
    ingress: &'a Flow,
    decided_by: TrafficDirection,
    /// Whether the end that stays had a rule; the other one had one as well, if none of them decided.
    by_rules: bool,
}

impl<'a> BothEnds<'a> {
    /// Nothing, if the response has only one.
    pub(super) fn of(response: &'a GetFlowsResponse, flow: &'a Flow) -> Option<Self> {
        let details = response.tycho.as_ref()?;
        let end = details.other_end.as_ref()?;
        let other = end.flow.as_ref()?;
        let (egress, ingress) = match flow.traffic_direction() {
            TrafficDirection::Egress => (flow, other),
            _ => (other, flow),
        };
        Some(Self {
            stays: flow,
            egress,
            ingress,
            decided_by: end.decided_by(),
            by_rules: verdict::has_rule(flow, Some(details)),
        })
    }

    /// The TYPE column.
    pub(super) fn kind(&self) -> String {
        let [egress, ingress] = [self.egress, self.ingress].map(flow_type::match_type);
        let match_type = match self.decided_by {
            TrafficDirection::Egress => egress,
            TrafficDirection::Ingress => ingress,
            TrafficDirection::Unknown if egress == ingress => ingress,
            TrafficDirection::Unknown => format!("{egress}/{ingress}"),
        };
        format!("policy-verdict:{match_type} EGRESS+INGRESS")
    }

    /// The VERDICT column: whose it is, and what the other end said if that is not the same.
    pub(super) fn verdict(&self, policy_names: bool) -> String {
        let (decided, by_names) = match self.decided_by {
            TrafficDirection::Unknown => return self.verdict_of_both(policy_names),
            TrafficDirection::Egress => (format!("egress of {}", self.source()), policy_names),
            TrafficDirection::Ingress => {
                (format!("ingress of {}", self.destination()), policy_names)
            }
        };
        let words = |flow| verdict::text(flow, false).0;
        let differs = match (words(self.egress), words(self.ingress)) {
            (egress, ingress) if egress == ingress => String::new(),
            (egress, _) if self.decided_by == TrafficDirection::Ingress => {
                format!("; egress {egress}")
            }
            (_, ingress) => format!("; ingress {ingress}"),
        };
        let (text, _) = verdict::text(self.stays, by_names);
        format!("{text} ({decided}{differs})")
    }

    fn verdict_of_both(&self, policy_names: bool) -> String {
        let (mut text, _) = verdict::text(self.stays, false);
        let mut names = Vec::new();
        if policy_names {
            for flow in [self.egress, self.ingress] {
                let allowed = flow.verdict() != Verdict::Dropped;
                for name in verdict::deciding(flow, allowed) {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
            }
        }
        text.push_str(&verdict::by(&names));
        if self.by_rules {
            text.push_str(" (both ends)");
        }
        text
    }

    /// The NODE column.
    pub(super) fn nodes(&self) -> String {
        let [egress, ingress] = [self.egress, self.ingress].map(|flow| flow.node_name.as_str());
        if egress == ingress {
            return egress.to_owned();
        }
        format!("{egress}, {ingress}")
    }

    /// A denied packet leaves it open, while the other end knows.
    pub(super) fn is_reply(&self) -> Option<bool> {
        self.ingress.is_reply.or(self.egress.is_reply)
    }

    fn source(&self) -> String {
        ends::names(self.egress).0
    }

    fn destination(&self) -> String {
        ends::names(self.ingress).1
    }
}
