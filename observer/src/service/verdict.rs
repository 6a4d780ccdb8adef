//! `GetVerdict`: what the policies would decide about connections that nobody has made.

use std::net::IpAddr;

use policy::{Direction, Identity, LabelSet, Selector};
use proto::tycho::v1::verdict_end::End;
use proto::tycho::v1::{
    GetVerdictRequest, GetVerdictResponse, PairVerdict, VerdictEnd, VerdictIdentity,
};
use tonic::Status;

use super::decide::{Asked, RulesOf, together};
use super::selection::{label_texts, what_there_is};
use crate::control::Snapshot;

/// Pairs that an answer names.
const PAIRS: usize = 1_000;

/// Answers with more pairs do without near misses: each looks at every rule.
const PAIRS_WITH_NEAR: usize = 16;

/// Endpoints that are named for an identity.
const ENDPOINTS: usize = 100;

/// One identity at an end.
struct Side<'a> {
    identity: Identity,
    labels: &'a LabelSet,
    called: String,
    message: VerdictIdentity,
}

/// Answers a request from one state of the node.
pub(super) fn verdicts(
    request: &GetVerdictRequest,
    snapshot: &Snapshot,
) -> Result<GetVerdictResponse, Status> {
    let protocol = u8::try_from(request.protocol)
        .ok()
        .filter(|protocol| *protocol != 0)
        .ok_or_else(|| {
            Status::invalid_argument(format!(
                "protocol: {} is no number of an IP protocol, such as 6 for TCP",
                request.protocol
            ))
        })?;
    let port = u16::try_from(request.port).map_err(|_too_large| {
        Status::invalid_argument(format!("port: {} is beyond 65535", request.port))
    })?;
    let from = sides("from", request.from.as_ref(), snapshot)?;
    let to = sides("to", request.to.as_ref(), snapshot)?;
    let count = from.len() * to.len();
    let view = &snapshot.view;
    let rules = RulesOf {
        model: view.model(),
        numbers: &view.rule_numbers,
    };
    let pairs = from
        .iter()
        .flat_map(|from| to.iter().map(move |to| (from, to)))
        .take(PAIRS);
    let pairs = pairs.map(|(from, to)| {
        let decide = |subject: &Side<'_>, peer: &Side<'_>, direction| {
            rules.decide(&Asked {
                subject: (subject.identity, subject.labels),
                called: &subject.called,
                peer: (peer.identity, peer.labels),
                direction,
                protocol,
                port,
                local_host_passes: snapshot.local_host_passes,
                with_near: count <= PAIRS_WITH_NEAR,
            })
        };
        let egress = decide(from, to, Direction::Egress);
        let ingress = decide(to, from, Direction::Ingress);
        PairVerdict {
            verdict: together(&egress, &ingress).into(),
            from: Some(from.message.clone()),
            to: Some(to.message.clone()),
            egress: Some(egress),
            ingress: Some(ingress),
        }
    });
    Ok(GetVerdictResponse {
        pairs: pairs.collect(),
        truncated: count > PAIRS,
        revision: view.revision.into(),
    })
}

/// The identities that an end means; never none.
fn sides<'a>(
    field: &str,
    end: Option<&VerdictEnd>,
    snapshot: &'a Snapshot,
) -> Result<Vec<Side<'a>>, Status> {
    let identities = &snapshot.view.identities;
    let end = end.and_then(|end| end.end.as_ref()).ok_or_else(|| {
        Status::invalid_argument(format!(
            "{field}: give a `selector`, an `ip`, an `identity` or an `endpoint`"
        ))
    })?;
    let invalid = |text: String| Status::invalid_argument(format!("{field}: {text}"));
    let wanted: Vec<Identity> = match end {
        End::Selector(text) => {
            let selector = Selector::parse(text).map_err(|error| invalid(error.to_string()))?;
            let matching = identities
                .iter()
                .filter(|(_, labels)| selector.matches(labels));
            of_somebody(matching.map(|(identity, _)| identity).collect(), snapshot)
        }
        End::Ip(text) => {
            let ip = text
                .parse()
                .map_err(|_unparsed| invalid(format!("`{text}` is no IP address")))?;
            vec![of_address(ip, snapshot)]
        }
        End::Identity(number) => vec![Identity(*number)],
        End::Endpoint(name) => {
            let names = snapshot.endpoints.iter().map(|endpoint| &endpoint.name);
            let endpoint = snapshot.endpoint(name).ok_or_else(|| {
                Status::not_found(format!(
                    "{field}: there is no endpoint `{name}`; {}",
                    what_there_is(names)
                ))
            })?;
            vec![Identity(endpoint.identity)]
        }
    };
    let sides: Vec<Side<'_>> = wanted
        .iter()
        .filter_map(|identity| side(*identity, snapshot))
        .collect();
    if sides.is_empty() {
        return Err(meant_nobody(field, end, snapshot));
    }
    Ok(sides)
}

/// Says what to write instead, if a selector is the name of an endpoint.
fn meant_nobody(field: &str, end: &End, snapshot: &Snapshot) -> Status {
    let hint = match end {
        End::Selector(text) if snapshot.endpoint(text).is_some() => {
            format!("as a label; the endpoint of that name is `endpoint:{text}`")
        }
        _ => format!(
            "by it; `tycho identity list` shows the {} there are",
            snapshot.view.identities.len()
        ),
    };
    Status::not_found(format!("{field}: no identity of this node is meant {hint}"))
}

/// Without those that no endpoint has any more, while they rest; unless nobody else is meant.
fn of_somebody(identities: Vec<Identity>, snapshot: &Snapshot) -> Vec<Identity> {
    let had = |identity: &Identity| {
        !identity.is_allocated() || snapshot.view.endpoint_counts.contains_key(identity)
    };
    let had: Vec<Identity> = identities.iter().copied().filter(had).collect();
    if had.is_empty() { identities } else { had }
}

fn side(identity: Identity, snapshot: &Snapshot) -> Option<Side<'_>> {
    let labels = snapshot.view.identities.labels(identity)?;
    let having = snapshot
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.identity == identity.0 && endpoint.number != 0);
    let endpoints: Vec<String> = having
        .take(ENDPOINTS)
        .map(|endpoint| endpoint.name.clone())
        .collect();
    let called = match endpoints.as_slice() {
        [only] => only.clone(),
        _ if labels.is_empty() || identity.is_allocated() => format!("identity {identity}"),
        _ => labels.to_string(),
    };
    Some(Side {
        identity,
        labels,
        called,
        message: VerdictIdentity {
            identity: identity.0,
            labels: label_texts(labels),
            endpoints,
        },
    })
}

/// What the node takes an address for: an endpoint, itself, the longest network that a policy names, else the world.
pub(super) fn of_address(ip: IpAddr, snapshot: &Snapshot) -> Identity {
    let mut endpoints = snapshot.endpoints.iter();
    if let Some(endpoint) = endpoints.find(|endpoint| endpoint.spec.ips.contains(&ip)) {
        return Identity(endpoint.identity);
    }
    if snapshot.node_addresses.contains(&ip) {
        return Identity::HOST;
    }
    let networks = snapshot.view.prefixes.iter();
    networks
        .filter(|network| network.cidr.contains(ip))
        .max_by_key(|network| network.cidr.bits())
        .map_or(Identity::WORLD, |network| network.identity)
}
