//! Canned answers: the node of the demo, as it could be.

mod policies;

use proto::tycho::v1::{
    Endpoint, EndpointState, Enforcement, Identity, IdentityScope, ListEndpointsResponse,
    ListIdentitiesResponse, Owner,
};

use crate::fake_node::time;
use policies::name;
pub(crate) use policies::{POLICY_TEXT, explanation, policies, verdict};

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn labels(role: &str, app: &str) -> Vec<String> {
    vec![
        format!("k8s:app={app}"),
        "k8s:io.cilium.k8s.namespace.labels.team=web".to_owned(),
        "k8s:io.kubernetes.pod.namespace=shop".to_owned(),
        format!("k8s:role={role}"),
    ]
}

fn endpoint(number: u32, name: &str, role: &str, app: &str, identity: u32) -> Endpoint {
    Endpoint {
        number,
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        state: EndpointState::Ready.into(),
        state_since: time(0),
        identity,
        labels: [labels(role, app), texts(&["k8s:build=7"])].concat(),
        ipv4: vec![format!("10.1.0.{number}1")],
        ipv6: vec![format!("fd00:1::{number}1")],
        ingress: Enforcement::Disabled.into(),
        egress: Enforcement::Disabled.into(),
        mode: "enforce".to_owned(),
        spoofing: "strict".to_owned(),
        interface: format!("veth-{name}"),
        ifindex: 10 + number,
        workload: format!("Deployment/{role}"),
        owner: Owner::File.into(),
        source: format!("/run/tycho/demo/endpoints.yaml:{}", 7 * number),
        ..Default::default()
    }
}

pub(crate) fn endpoints() -> ListEndpointsResponse {
    let mut database = endpoint(3, "db", "db", "orders-db", 258);
    database.ingress = Enforcement::Enabled.into();
    database.egress = Enforcement::Audit.into();
    database.policies = vec![name("CiliumNetworkPolicy", "shop", "db")];
    database.ports = [("postgres".to_owned(), 5432), ("http".to_owned(), 80)].into();
    ListEndpointsResponse {
        node_name: "default/demo-node-a".to_owned(),
        endpoints: vec![
            endpoint(1, "frontend-1", "frontend", "storefront", 256),
            database,
            waiting_endpoint(),
        ],
    }
}

pub(crate) fn waiting_endpoint() -> Endpoint {
    Endpoint {
        state: EndpointState::WaitingForInterface.into(),
        state_reason: "there is no namespace\n/run/netns/mine".to_owned(),
        interface: String::new(),
        ipv6: Vec::new(),
        owner: Owner::Api.into(),
        source: String::new(),
        ..endpoint(8, "mi\x1bne", "frontend", "storefront", 256)
    }
}

pub(crate) fn identities() -> ListIdentitiesResponse {
    let identity = |identity, scope: IdentityScope, labels, endpoints| Identity {
        identity,
        labels,
        scope: scope.into(),
        endpoints,
        ..Default::default()
    };
    let mut world = identity(2, IdentityScope::Reserved, texts(&["reserved:world"]), 0);
    let mut frontend = identity(
        256,
        IdentityScope::Cluster,
        labels("frontend", "storefront"),
        2,
    );
    let mut database = identity(258, IdentityScope::Cluster, labels("db", "orders-db"), 1);
    let network = texts(&["cidr:10.0.0.0/8", "reserved:world"]);
    let network = identity(16_777_217, IdentityScope::Node, network, 0);
    world.from = None;
    frontend.from = time(0);
    database.from = time(1);
    database.until = time(9);
    ListIdentitiesResponse {
        identities: vec![world, frontend, database, network],
        known_since: time(0),
    }
}
