//! The fields of `FlowFilter` that are not built: refused by name, never ignored.

use proto::flow::FlowFilter;

use super::FilterError;

/// Refuses a filter that sets a field which [`super::compile`] does not read.
///
/// The pattern names every field, so that a field new to the contract does not compile until it is built or refused.
pub(super) fn refuse(filter: &FlowFilter) -> Result<(), FilterError> {
    let FlowFilter {
        source_ip: _,
        source_pod: _,
        source_label: _,
        source_port: _,
        source_identity: _,
        source_workload: _,
        source_cluster_name: _,
        destination_ip: _,
        destination_pod: _,
        destination_label: _,
        destination_port: _,
        destination_identity: _,
        destination_workload: _,
        destination_cluster_name: _,
        uuid: _,
        verdict: _,
        event_type: _,
        protocol: _,
        reply: _,
        tcp_flags: _,
        node_name: _,
        ip_version: _,
        traffic_direction: _,
        drop_reason_desc: _,
        interface: _,
        encrypted: _,
        source_ip_xlated,
        source_fqdn,
        source_service,
        destination_fqdn,
        destination_service,
        http_status_code,
        dns_query,
        http_method,
        http_path,
        http_url,
        http_header,
        node_labels,
        trace_id,
        ip_trace_id,
        experimental,
    } = filter;
    let unbuilt = [
        ("source_ip_xlated", source_ip_xlated),
        ("source_fqdn", source_fqdn),
        ("source_service", source_service),
        ("destination_fqdn", destination_fqdn),
        ("destination_service", destination_service),
        ("http_status_code", http_status_code),
        ("dns_query", dns_query),
        ("http_method", http_method),
        ("http_path", http_path),
        ("http_url", http_url),
        ("node_labels", node_labels),
        ("trace_id", trace_id),
    ];
    let expressions = experimental
        .as_ref()
        .is_some_and(|experimental| !experimental.cel_expression.is_empty());
    let other = [
        ("http_header", !http_header.is_empty()),
        ("ip_trace_id", !ip_trace_id.is_empty()),
        ("experimental.cel_expression", expressions),
    ];
    let set = unbuilt.map(|(field, values)| (field, !values.is_empty()));
    match set.into_iter().chain(other).find(|&(_, is_set)| is_set) {
        Some((field, _)) => Err(FilterError::Unsupported { field }),
        None => Ok(()),
    }
}
