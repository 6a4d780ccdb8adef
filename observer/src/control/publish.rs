//! What stands after a look at the maps: each endpoint's state, put together for whoever asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use bpf_events::endpoint::{MODE_ENFORCE, MODE_OFF};
use policy::{Direction, LabelSet};
use proto::tycho::v1::{EndpointState, Enforcement};
use registry::endpoint_file::Mode;

use super::Control;
use super::endpoint_state::{Seen, Standing};
use super::maps::Place;
use super::snapshot::{EndpointView, Snapshot};
use crate::desired::{Desired, DesiredEndpoint};
use crate::pipeline::wall_ns;

impl Control {
    /// Publishes what holds now, if it is not what was published last.
    pub(super) fn publish(&mut self) {
        self.look_for_set_aside();
        self.look_at_cluster();
        let now_ns = wall_ns();
        let mut standings = BTreeMap::new();
        let mut endpoints = Vec::with_capacity(self.desired.endpoints.len());
        for endpoint in &self.desired.endpoints {
            let (mut seen, interface) = seen(self.maps.place(&endpoint.name));
            if let Some(reason) = self.waits(&endpoint.name) {
                seen = Seen::NoNumbers { reason };
            }
            let standing = self.stand(&endpoint.name, &seen, now_ns);
            standings.insert(endpoint.name.clone(), standing.clone());
            endpoints.push((endpoint, interface, standing));
        }
        let views = endpoints
            .into_iter()
            .map(|(endpoint, interface, standing)| {
                Arc::new(view(endpoint, &self.desired, interface, standing))
            });
        let mut views: Vec<Arc<EndpointView>> = views.collect();
        views.extend(self.without_numbers(&mut standings, now_ns));
        let before = self.board.snapshot();
        if let Some(before) = before.as_deref() {
            views.extend(self.not_gone_yet(before, &mut standings, now_ns));
        }
        views.sort_by(|a, b| a.name.cmp(&b.name));
        let node_addresses = self.maps.node_addresses();
        let is_same = |before: &Snapshot| {
            before.endpoints == views && *before.node_addresses == node_addresses
        };
        if !self.unpublished && before.as_deref().is_some_and(is_same) {
            return;
        }
        self.standings = standings;
        self.unpublished = false;
        self.news.endpoints(&views);
        self.board.publish(Snapshot {
            endpoints: views,
            view: self.planner.view(),
            problems: self.problems.clone(),
            identities_given: self.cluster.identities_given(),
            node_addresses: Arc::new(node_addresses),
            local_host_passes: self.local_host_passes,
        });
        self.tell_registry();
    }

    /// The state of an endpoint after a look; a change is logged.
    fn stand(&self, name: &str, seen: &Seen, now_ns: u64) -> Standing {
        let before = self.standings.get(name);
        let standing = before
            .cloned()
            .unwrap_or_else(|| Standing::new(now_ns))
            .after(seen, now_ns);
        if before != Some(&standing) {
            tell(name, &standing, seen);
        }
        standing
    }

    /// Why an endpoint is not as its newest definition says, unless the registry was asked a moment ago.
    fn waits(&self, name: &str) -> Option<String> {
        let mut waiting = self.desired.waiting.iter();
        let waiting = waiting.find(|waiting| waiting.name == name)?;
        (!self.answers_soon(waiting)).then(|| self.why_waiting(waiting))
    }

    /// Endpoints that wait for their first number.
    fn without_numbers(
        &self,
        standings: &mut BTreeMap<String, Standing>,
        now_ns: u64,
    ) -> Vec<Arc<EndpointView>> {
        let mut views = Vec::new();
        for waiting in &self.desired.waiting {
            if standings.contains_key(&waiting.name) {
                continue;
            }
            let reason = self.why_waiting(waiting);
            let seen = if self.answers_soon(waiting) {
                Seen::NumbersAsked { reason }
            } else {
                Seen::NoNumbers { reason }
            };
            let standing = self.stand(&waiting.name, &seen, now_ns);
            standings.insert(waiting.name.clone(), standing.clone());
            views.push(Arc::new(EndpointView {
                name: waiting.name.clone(),
                number: 0,
                identity: 0,
                labels: waiting.labels.clone(),
                spec: Arc::clone(&waiting.spec),
                owner: waiting.owner,
                source: Arc::clone(&waiting.source),
                mode: waiting.spec.mode.unwrap_or(self.mode),
                ingress: Enforcement::Unspecified,
                egress: Enforcement::Unspecified,
                interface: None,
                standing,
            }));
        }
        views
    }

    /// Endpoints that nobody wants any more, while the maps refuse to let them go.
    fn not_gone_yet(
        &self,
        before: &Snapshot,
        standings: &mut BTreeMap<String, Standing>,
        now_ns: u64,
    ) -> Vec<Arc<EndpointView>> {
        if self.problems.maps.is_none() {
            return Vec::new();
        }
        let mut views = Vec::new();
        for endpoint in before.endpoints.iter().filter(|view| view.number != 0) {
            if !standings.contains_key(&endpoint.name) {
                let standing = self.stand(&endpoint.name, &Seen::Unwanted, now_ns);
                standings.insert(endpoint.name.clone(), standing.clone());
                views.push(Arc::new(EndpointView {
                    standing,
                    ..EndpointView::clone(endpoint)
                }));
            }
        }
        views
    }
}

fn seen(place: Place) -> (Seen, Option<(u32, String)>) {
    match place {
        Place::Waiting { reason } => (Seen::NoInterface { reason }, None),
        Place::Refused { interface, reason } => (Seen::Refused { reason }, Some(interface)),
        Place::Attached { interface } => (Seen::Attached, Some(interface)),
    }
}

fn view(
    endpoint: &DesiredEndpoint,
    desired: &Desired,
    interface: Option<(u32, String)>,
    standing: Standing,
) -> EndpointView {
    let row = &endpoint.row;
    let mode = match row.mode {
        MODE_ENFORCE => Mode::Enforce,
        MODE_OFF => Mode::Off,
        _ => Mode::Audit,
    };
    let set = desired.sets.get(&row.policy_set);
    let enforcement = |direction| {
        let enforced = set.is_some_and(|set| set.enforced(direction));
        let audited = set.is_some_and(|set| set.audited(direction));
        enforcement(mode, enforced, audited)
    };
    EndpointView {
        name: endpoint.name.clone(),
        number: row.endpoint,
        identity: row.identity,
        labels: LabelSet::clone(&endpoint.labels),
        spec: Arc::clone(&endpoint.spec),
        owner: endpoint.owner,
        source: Arc::clone(&endpoint.source),
        mode,
        ingress: enforcement(Direction::Ingress),
        egress: enforcement(Direction::Egress),
        interface,
        standing,
    }
}

/// What becomes of what no rule allows, from the endpoint's mode and its policies.
fn enforcement(mode: Mode, enforced: bool, audited: bool) -> Enforcement {
    match (mode, enforced, audited) {
        (Mode::Off, _, _) | (_, false, false) => Enforcement::Disabled,
        (Mode::Enforce, true, _) => Enforcement::Enabled,
        (Mode::Audit, _, _) | (_, false, true) => Enforcement::Audit,
    }
}

/// Each change of a state is logged once.
fn tell(name: &str, standing: &Standing, seen: &Seen) {
    let state = standing.state.as_str_name();
    let Standing { reason, .. } = standing;
    match standing.state {
        _ if matches!(seen, Seen::NumbersAsked { .. }) => {
            tracing::debug!(endpoint = %name, %reason, "waiting for identity");
        }
        EndpointState::Ready => tracing::info!(endpoint = %name, "ready"),
        EndpointState::PartlyObserved => {
            tracing::error!(endpoint = %name, %reason, "partly observed; trying again every second");
        }
        _ => {
            tracing::warn!(endpoint = %name, %reason, "{}", state.to_lowercase().replace('_', " "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_and_the_policies_decide_together() {
        use Enforcement::{Audit, Disabled, Enabled};
        for (mode, enforced, audited, expect) in [
            (Mode::Enforce, true, false, Enabled),
            (Mode::Enforce, true, true, Enabled),
            (Mode::Enforce, false, true, Audit),
            (Mode::Enforce, false, false, Disabled),
            (Mode::Audit, true, false, Audit),
            (Mode::Audit, false, true, Audit),
            (Mode::Audit, false, false, Disabled),
            (Mode::Off, true, true, Disabled),
        ] {
            assert_eq!(enforcement(mode, enforced, audited), expect, "{mode:?}");
        }
    }
}
