//! The contract cannot change unnoticed: a snapshot shows every change, and a table of facts about
//! Hubble 1.19.4, kept by hand, does not follow when the snapshot is renewed.

mod hubble_facts;
mod render;

use std::path::Path;

use prost_reflect::{FileDescriptor, MessageDescriptor};
use proto::descriptor_pool;

const HUBBLE_FILES: [&str; 4] = [
    "flow/flow.proto",
    "observer/observer.proto",
    "peer/peer.proto",
    "relay/relay.proto",
];

fn hubble_files() -> impl Iterator<Item = FileDescriptor> {
    HUBBLE_FILES.iter().map(|name| {
        descriptor_pool()
            .get_file_by_name(name)
            .expect("a file of the contract")
    })
}

#[test]
fn the_snapshot_shows_the_contract() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("contract.txt");
    let contract = render::contract(descriptor_pool());
    if std::env::var_os("TYCHO_BLESS").is_some() {
        std::fs::write(&path, &contract).unwrap();
    }
    let snapshot = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = snapshot
        .lines()
        .zip(contract.lines())
        .position(|(old, new)| old != new);
    let line = difference.unwrap_or_else(|| snapshot.lines().count().min(contract.lines().count()));
    assert!(
        snapshot == contract,
        "proto/contract.txt differs from the .proto files, first at line {}:\n  snapshot {:?}\n  contract {:?}\n\
         If the change is meant, run: TYCHO_BLESS=1 cargo test -p proto --test contract",
        line + 1,
        snapshot.lines().nth(line),
        contract.lines().nth(line),
    );
}

#[test]
fn hubble_has_as_many_of_everything_as_upstream() {
    let messages: Vec<_> = hubble_files()
        .flat_map(|file| with_nested(file.messages().collect()))
        .collect();
    let enums: Vec<_> = hubble_files()
        .flat_map(|file| file.enums().collect::<Vec<_>>())
        .chain(
            messages
                .iter()
                .flat_map(|message| message.child_enums().collect::<Vec<_>>()),
        )
        .collect();
    let methods = hubble_files().flat_map(|file| {
        file.services()
            .map(|service| service.methods().len())
            .collect::<Vec<_>>()
    });
    let counts = [
        ("rpcs", methods.sum()),
        ("messages", messages.len()),
        (
            "fields",
            messages.iter().map(|message| message.fields().len()).sum(),
        ),
        ("enums", enums.len()),
        (
            "enum values",
            enums.iter().map(|each| each.values().len()).sum::<usize>(),
        ),
    ];
    assert_eq!(
        counts,
        [
            ("rpcs", 7),
            ("messages", 66),
            ("fields", 315),
            ("enums", 18),
            ("enum values", 239)
        ],
    );
}

fn with_nested(messages: Vec<MessageDescriptor>) -> Vec<MessageDescriptor> {
    let nested = messages
        .iter()
        .flat_map(|message| with_nested(message.child_messages().collect()));
    let nested: Vec<_> = nested.collect();
    messages.into_iter().chain(nested).collect()
}

#[test]
fn hubble_fields_have_upstream_numbers_and_types() {
    let facts = include_str!("hubble_fields.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    let facts: Vec<_> = facts.collect();
    for block in facts
        .split(|line| line.is_empty())
        .filter(|block| !block.is_empty())
    {
        let descriptor = descriptor_pool().get_message_by_name(block[0]).unwrap();
        let fields = descriptor.fields().map(|field| {
            format!(
                "  {} {} {}",
                field.number(),
                field.name(),
                render::field_type(&field)
            )
        });
        assert_eq!(fields.collect::<Vec<_>>(), block[1..], "{}", block[0]);
    }
}

#[test]
fn hubble_enum_values_have_upstream_numbers() {
    for (name, values) in hubble_facts::ENUM_VALUES {
        let descriptor = descriptor_pool().get_enum_by_name(name).unwrap();
        for (number, value) in *values {
            let actual = descriptor
                .get_value(*number)
                .map(|value| value.name().to_owned());
            assert_eq!(actual.as_deref(), Some(*value), "{name} {number}");
        }
    }
}

#[test]
fn hubble_fields_are_declared_in_the_order_go_prints() {
    for (message, expected) in hubble_facts::DECLARED_ORDER {
        let descriptor = descriptor_pool().get_message_by_name(message).unwrap();
        let declared: Vec<_> = descriptor
            .descriptor_proto()
            .field
            .iter()
            .map(|field| field.name())
            .collect();
        assert_eq!(declared, *expected, "{message}");
    }
}

#[test]
fn a_tycho_response_reads_as_a_hubble_response() {
    let message = |name| descriptor_pool().get_message_by_name(name).unwrap();
    let ours = message("tycho.v1.GetFlowsResponse");
    for theirs in message("observer.GetFlowsResponse").fields() {
        let field = ours.get_field(theirs.number()).unwrap();
        assert_eq!(field.name(), theirs.name());
        assert_eq!(
            render::field_type(&field),
            render::field_type(&theirs),
            "{}",
            theirs.name()
        );
    }
}
