//! From `FlowFilter` messages to predicates.

use std::sync::Arc;

use proto::flow::{FlowFilter, Workload};

use super::drop_reason::DropReasons;
use super::event_type::EventTypes;
use super::identity::Identities;
use super::interface::Interfaces;
use super::ip::Networks;
use super::ip_version::IpVersions;
use super::metadata::MetadataSet;
use super::port::Ports;
use super::predicate::Predicate;
use super::protocol::Protocols;
use super::reply::Replies;
use super::scan::{CompiledFilter, Conjunction};
use super::tcp_flags::TcpFlags;
use super::traffic_direction::Directions;
use super::uuid::References;
use super::verdict::Verdicts;
use super::{FilterContext, FilterError, Side, TimeWindow};
use super::{cluster_name, encrypted, label, node_name, pod, unbuilt, workload};

/// Compiles the filters of a request.
///
/// # Errors
/// Names the first field that is not supported, or the value that is wrong.
pub fn compile(
    whitelist: &[FlowFilter],
    blacklist: &[FlowFilter],
    window: TimeWindow,
    context: &FilterContext,
) -> Result<CompiledFilter, FilterError> {
    let all = |filters: &[FlowFilter]| -> Result<Vec<Conjunction>, FilterError> {
        filters
            .iter()
            .map(|filter| conjunction(filter, context))
            .collect()
    };
    Ok(CompiledFilter::new(
        all(whitelist)?,
        all(blacklist)?,
        window,
    ))
}

/// The conditions of one filter. The order is that of the tests: cheap and selective first.
fn conjunction(filter: &FlowFilter, context: &FilterContext) -> Result<Conjunction, FilterError> {
    unbuilt::refuse(filter)?;
    let mut predicates = Vec::new();
    whole_node(filter, context, &mut predicates)?;
    for end in [source(filter), destination(filter)] {
        end.names(context, &mut predicates)?;
    }
    event(filter, context, &mut predicates)?;
    for end in [source(filter), destination(filter)] {
        end.numbers(&mut predicates)?;
    }
    Ok(Conjunction::new(predicates))
}

/// Conditions that are the same for all flows of the node.
fn whole_node(
    filter: &FlowFilter,
    context: &FilterContext,
    out: &mut Vec<Predicate>,
) -> Result<(), FilterError> {
    let names = &filter.node_name;
    let node = names.is_empty() || node_name::matches("node_name", names, &context.node_name)?;
    let plain = filter.encrypted.is_empty() || encrypted::matches_unencrypted(&filter.encrypted);
    if !(node && plain) {
        out.push(Predicate::Never);
    }
    Ok(())
}

/// Conditions on the event.
fn event(
    filter: &FlowFilter,
    context: &FilterContext,
    out: &mut Vec<Predicate>,
) -> Result<(), FilterError> {
    if !filter.verdict.is_empty() {
        out.push(Predicate::Verdicts(Verdicts::new(&filter.verdict)));
    }
    if !filter.protocol.is_empty() {
        out.push(Predicate::Protocols(Protocols::compile(
            "protocol",
            &filter.protocol,
        )?));
    }
    if !filter.uuid.is_empty() {
        out.push(Predicate::References(References::new(
            &filter.uuid,
            context.epoch,
        )));
    }
    if !filter.traffic_direction.is_empty() {
        out.push(Predicate::Directions(Directions::new(
            &filter.traffic_direction,
        )));
    }
    if !filter.ip_version.is_empty() {
        out.push(Predicate::IpVersions(IpVersions::new(&filter.ip_version)));
    }
    if !filter.event_type.is_empty() {
        out.push(Predicate::EventTypes(EventTypes::new(&filter.event_type)));
    }
    if !filter.reply.is_empty() {
        out.push(Predicate::Replies(Replies::new(&filter.reply)));
    }
    if !filter.drop_reason_desc.is_empty() {
        out.push(Predicate::DropReasons(DropReasons::new(
            &filter.drop_reason_desc,
        )));
    }
    if !filter.tcp_flags.is_empty() {
        out.push(Predicate::TcpFlags(TcpFlags::new(&filter.tcp_flags)));
    }
    if !filter.interface.is_empty() {
        let interfaces = Interfaces::new(&filter.interface, Arc::clone(&context.interfaces));
        out.push(Predicate::Interfaces(interfaces));
    }
    Ok(())
}

/// The fields of one end, each with its name.
struct End<'a> {
    side: Side,
    labels: (&'static str, &'a [String]),
    pods: (&'static str, &'a [String]),
    workloads: &'a [Workload],
    clusters: (&'static str, &'a [String]),
    ports: (&'static str, &'a [String]),
    identities: &'a [u32],
    addresses: (&'static str, &'a [String]),
}

fn source(filter: &FlowFilter) -> End<'_> {
    End {
        side: Side::Source,
        labels: ("source_label", &filter.source_label),
        pods: ("source_pod", &filter.source_pod),
        workloads: &filter.source_workload,
        clusters: ("source_cluster_name", &filter.source_cluster_name),
        ports: ("source_port", &filter.source_port),
        identities: &filter.source_identity,
        addresses: ("source_ip", &filter.source_ip),
    }
}

fn destination(filter: &FlowFilter) -> End<'_> {
    End {
        side: Side::Destination,
        labels: ("destination_label", &filter.destination_label),
        pods: ("destination_pod", &filter.destination_pod),
        workloads: &filter.destination_workload,
        clusters: ("destination_cluster_name", &filter.destination_cluster_name),
        ports: ("destination_port", &filter.destination_port),
        identities: &filter.destination_identity,
        addresses: ("destination_ip", &filter.destination_ip),
    }
}

impl End<'_> {
    /// Conditions on names and labels, which together are one set of metadata indexes.
    fn names(&self, context: &FilterContext, out: &mut Vec<Predicate>) -> Result<(), FilterError> {
        let mut tests = Vec::new();
        if !self.labels.1.is_empty() {
            tests.push(label::compile(self.labels.0, self.labels.1)?);
        }
        if !self.pods.1.is_empty() {
            tests.push(pod::compile(self.pods.0, self.pods.1)?);
        }
        if !self.workloads.is_empty() {
            tests.push(workload::compile(self.workloads));
        }
        if !self.clusters.1.is_empty() {
            tests.push(cluster_name::compile(self.clusters.0, self.clusters.1)?);
        }
        if !tests.is_empty() {
            out.push(Predicate::Metadata(MetadataSet::new(
                self.side,
                tests,
                Arc::clone(&context.metadata),
            )));
        }
        Ok(())
    }

    /// Conditions on ports, identities and addresses.
    fn numbers(&self, out: &mut Vec<Predicate>) -> Result<(), FilterError> {
        if !self.ports.1.is_empty() {
            out.push(Predicate::Ports(Ports::compile(
                self.ports.0,
                self.side,
                self.ports.1,
            )?));
        }
        if !self.identities.is_empty() {
            out.push(Predicate::Identities(Identities::new(
                self.side,
                self.identities,
            )));
        }
        if !self.addresses.1.is_empty() {
            out.push(Predicate::Networks(Networks::compile(
                self.addresses.0,
                self.side,
                self.addresses.1,
            )?));
        }
        Ok(())
    }
}
