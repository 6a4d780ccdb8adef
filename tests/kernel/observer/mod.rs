//! The whole observer: the real `tycho observer` over the real datapath, asked by the real `tycho observe` and `status`.

mod agent_events;
mod attribution;
mod changes;
mod edges;
mod endpoints;
mod flood;
mod identities;
mod imports;
mod interfaces;
mod label_filter;
mod lifecycle;
mod status;
mod survival;
mod tls;
mod verdicts;

/// Frontends may reach backends on TCP 8080, the banned may nothing, and nobody else may anything.
const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: backend, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: backend}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: frontend}}]
    toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
  ingressDeny:
  - fromEndpoints: [{matchLabels: {role: banned}}]
"#;
