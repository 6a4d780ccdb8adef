//! What agent events tell of a change: what was told before, held against what is in force now.

mod same;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use flow::metadata::MetadataTable;
use flow::selection::timestamp;
use policy::{Policy, PolicySet, RuleRef, RuleSet};
use proto::flow::agent_event::Notification;
use proto::flow::{
    AgentEvent, AgentEventType, EndpointRegenNotification, EndpointUpdateNotification,
    IpCacheNotification, PolicyUpdateNotification, TimeNotification,
};
use proto::tycho::v1::EndpointState;

use super::maps::{IpCacheChange, IpCacheNews};
use super::snapshot::EndpointView;
use crate::agent_events::AgentEvents;
use crate::desired::{Desired, PolicyView, policy_labels};
use crate::pipeline::wall_ns;

/// What was told, and where to tell.
#[derive(Debug)]
pub(super) struct AgentNews {
    clock_offset_ns: i64,
    events: Arc<AgentEvents>,
    metadata: Arc<MetadataTable>,
    rules: Arc<RuleSet>,
    sets: Sets,
    /// Endpoints whose policy set has changed since something was told of them.
    reset: HashSet<String>,
    endpoints: BTreeMap<String, Arc<EndpointView>>,
}

/// The policy sets of one step, with what their cells mean.
#[derive(Clone, Debug, Default)]
struct Sets {
    sets: BTreeMap<u32, Arc<PolicySet>>,
    default_rules: HashMap<u32, [u32; 2]>,
    rules: Arc<HashMap<RuleRef, u32>>,
}

impl AgentNews {
    /// Nothing was told yet but that the agent has started.
    pub(super) fn new(
        events: Arc<AgentEvents>,
        metadata: Arc<MetadataTable>,
        started_ns: u64,
        clock_offset_ns: i64,
    ) -> Self {
        let news = Self {
            clock_offset_ns,
            events,
            metadata,
            rules: Arc::default(),
            sets: Sets::default(),
            reset: HashSet::new(),
            endpoints: BTreeMap::new(),
        };
        let started_ns = started_ns.saturating_add_signed(clock_offset_ns);
        let time = Some(timestamp(started_ns));
        let notification = Notification::AgentStart(TimeNotification { time });
        news.tell(AgentEventType::AgentStarted, notification);
        news
    }

    /// Policies that are new, other or gone.
    fn policies(&mut self, rules: &Arc<RuleSet>, revision: u32) {
        let before = std::mem::replace(&mut self.rules, Arc::clone(rules));
        if Arc::ptr_eq(&before, rules) {
            return;
        }
        let old = by_name(&before);
        let new = by_name(rules);
        for (name, policy) in &old {
            if !new.contains_key(name) {
                self.policy(AgentEventType::PolicyDeleted, policy, revision);
            }
        }
        for (name, policy) in &new {
            if old.get(name).is_none_or(|old| old.text != policy.text) {
                self.policy(AgentEventType::PolicyUpdated, policy, revision);
            }
        }
    }

    /// The maps say all of a step; `view` is that of the newest step, which may be a later one.
    pub(super) fn applied(&mut self, step: &Desired, view: &PolicyView) {
        if step.revision == view.revision {
            self.policies(&view.rules, view.revision);
        }
        let sets = Sets {
            sets: step.sets.clone(),
            default_rules: step.default_rules.clone(),
            rules: Arc::clone(&step.rules),
        };
        let before = std::mem::replace(&mut self.sets, sets);
        let mut changed = HashMap::new();
        for endpoint in &step.endpoints {
            let set = endpoint.row.policy_set;
            let is_other = || !before.same(&self.sets, set);
            if *changed.entry(set).or_insert_with(is_other) {
                self.reset.insert(endpoint.name.clone());
            }
        }
    }

    /// What addresses resolve to now.
    pub(super) fn ip_cache(&self, news: IpCacheNews) {
        self.events.pass_over(news.older);
        for change in news.changes {
            let kind = match change.now {
                Some(_) => AgentEventType::IpcacheUpserted,
                None => AgentEventType::IpcacheDeleted,
            };
            self.tell(kind, Notification::IpcacheUpdate(self.resolved(&change)));
        }
    }

    /// Endpoints that are new, other or gone, by their state after a look at the maps.
    pub(super) fn endpoints(&mut self, endpoints: &[Arc<EndpointView>]) {
        // One without a number has never been in the maps.
        let now = endpoints.iter().filter(|view| view.number != 0);
        let now: BTreeMap<_, _> = now
            .map(|view| (view.name.clone(), Arc::clone(view)))
            .collect();
        let before = std::mem::replace(&mut self.endpoints, now);
        let gone = before.values();
        for view in gone.filter(|view| !self.endpoints.contains_key(&view.name)) {
            self.endpoint(AgentEventType::EndpointDeleted, view);
        }
        for view in self.endpoints.values() {
            let reset = self.reset.contains(&view.name);
            match before.get(&view.name) {
                Some(old) if !reset && same::in_the_maps(old, view) => {}
                Some(_) => self.regenerated(view),
                None => {
                    self.endpoint(AgentEventType::EndpointCreated, view);
                    self.regenerated(view);
                }
            }
        }
        self.reset.clear();
    }

    fn policy(&self, kind: AgentEventType, policy: &Policy, revision: u32) {
        let notification = PolicyUpdateNotification {
            labels: policy_labels(&policy.name),
            revision: revision.into(),
            rule_count: i64::try_from(policy.rules.len()).unwrap_or(i64::MAX),
        };
        self.tell(kind, Notification::PolicyUpdate(notification));
    }

    fn endpoint(&self, kind: AgentEventType, view: &EndpointView) {
        let notification = EndpointUpdateNotification {
            id: view.number.into(),
            labels: labels(view),
            error: String::new(),
            pod_name: view.spec.name.clone(),
            namespace: view.spec.namespace.clone().unwrap_or_default(),
        };
        self.tell(kind, Notification::EndpointUpdate(notification));
    }

    fn regenerated(&self, view: &EndpointView) {
        let kind = match view.standing.state {
            EndpointState::Ready => AgentEventType::EndpointRegenerateSuccess,
            // It is on its way out: there is nothing to be regenerated.
            EndpointState::Disconnecting => return,
            _ => AgentEventType::EndpointRegenerateFailure,
        };
        let notification = EndpointRegenNotification {
            id: view.number.into(),
            labels: labels(view),
            error: view.standing.reason.clone(),
        };
        self.tell(kind, Notification::EndpointRegenerate(notification));
    }

    fn resolved(&self, change: &IpCacheChange) -> IpCacheNotification {
        let info = change.now.or(change.before).unwrap_or_default();
        let version = self.metadata.version(info.metadata);
        let content = version.as_ref().map(|version| version.content());
        let of = |part: fn(&flow::metadata::MetadataContent) -> &String| {
            content.map(part).cloned().unwrap_or_default()
        };
        IpCacheNotification {
            cidr: change.cidr.to_string(),
            identity: info.identity,
            old_identity: change.now.and(change.before).map(|before| before.identity),
            namespace: of(|content| &content.namespace),
            pod_name: of(|content| &content.pod_name),
            ..IpCacheNotification::default()
        }
    }

    fn tell(&self, kind: AgentEventType, notification: Notification) {
        let event = AgentEvent {
            r#type: kind.into(),
            notification: Some(notification),
        };
        let time_ns = wall_ns().saturating_add_signed(self.clock_offset_ns);
        self.events.add(time_ns, event);
    }
}

fn by_name(rules: &RuleSet) -> BTreeMap<&policy::PolicyName, &Policy> {
    let policies = rules.policies().iter();
    policies.map(|policy| (&*policy.name, &**policy)).collect()
}

fn labels(view: &EndpointView) -> Vec<String> {
    view.labels.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests;
