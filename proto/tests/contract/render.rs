//! The contract as text, one declaration a line, in the order of the `.proto` files.

use std::fmt::Write as _;

use prost_reflect::{
    Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, FileDescriptor,
    MessageDescriptor, MethodDescriptor, ServiceDescriptor, Syntax,
};

const HEADER: &str =
    "# The wire contract as compiled from the .proto files. Written by a test: see README.md.\n";

pub(crate) fn contract(pool: &DescriptorPool) -> String {
    let mut files: Vec<_> = pool
        .files()
        .filter(|file| !file.name().starts_with("google/protobuf/"))
        .collect();
    files.sort_by(|one, other| one.name().cmp(other.name()));
    let mut out = HEADER.to_owned();
    files.iter().for_each(|each| file(&mut out, each));
    out
}

/// The type as the `.proto` file would name it, with `repeated` or the oneof it belongs to.
pub(crate) fn field_type(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        prost_reflect::Kind::Message(message) => message.full_name().to_owned(),
        prost_reflect::Kind::Enum(each) => format!("enum {}", each.full_name()),
        scalar => format!("{scalar:?}"),
    };
    match (field.cardinality(), field.containing_oneof()) {
        (Cardinality::Repeated, _) => format!("repeated {kind}"),
        (_, Some(oneof)) => format!("{kind} oneof {}", oneof.name()),
        _ => kind,
    }
}

fn file(out: &mut String, file: &FileDescriptor) {
    let syntax = match file.syntax() {
        Syntax::Proto2 => "proto2",
        Syntax::Proto3 => "proto3",
    };
    line(
        out,
        0,
        &format!(
            "\nfile {} package {} {syntax}",
            file.name(),
            file.package_name()
        ),
    );
    let public = &file.file_descriptor_proto().public_dependency;
    for (index, import) in file.file_descriptor_proto().dependency.iter().enumerate() {
        let is_public = public
            .iter()
            .any(|each| usize::try_from(*each) == Ok(index));
        line(
            out,
            1,
            &format!("import {}{import}", if is_public { "public " } else { "" }),
        );
    }
    file.services().for_each(|each| service(out, &each));
    file.messages().for_each(|each| message(out, &each));
    file.enums().for_each(|each| enumeration(out, &each));
}

fn service(out: &mut String, service: &ServiceDescriptor) {
    line(out, 0, &format!("\nservice {}", service.full_name()));
    service
        .methods()
        .for_each(|each| line(out, 1, &method(&each)));
}

fn method(method: &MethodDescriptor) -> String {
    let stream = |streaming| if streaming { "stream " } else { "" };
    format!(
        "{}({}{}) returns {}{}",
        method.name(),
        stream(method.is_client_streaming()),
        method.input().full_name(),
        stream(method.is_server_streaming()),
        method.output().full_name(),
    )
}

fn message(out: &mut String, message: &MessageDescriptor) {
    let declared = message.descriptor_proto();
    let deprecated = mark(
        declared
            .options
            .as_ref()
            .is_some_and(|options| options.deprecated()),
    );
    line(
        out,
        0,
        &format!("\nmessage {}{deprecated}", message.full_name()),
    );
    // A message's ranges end before their last number, an enum's with it.
    let ranges = declared
        .reserved_range
        .iter()
        .map(|range| (range.start(), range.end() - 1));
    reserved(out, ranges, &declared.reserved_name);
    for each in &declared.field {
        let field = message
            .get_field_by_name(each.name())
            .expect("the pool holds every declared field");
        line(out, 1, &field_line(&field));
    }
    message
        .child_messages()
        .for_each(|each| self::message(out, &each));
    message
        .child_enums()
        .for_each(|each| enumeration(out, &each));
}

fn field_line(field: &FieldDescriptor) -> String {
    let options = field.field_descriptor_proto().options.as_ref();
    let mut text = format!("{} {} {}", field.number(), field.name(), field_type(field));
    text += mark(options.is_some_and(|options| options.deprecated()));
    if let Some(packed) = options.and_then(|options| options.packed) {
        write!(text, " [packed = {packed}]").expect("a String takes any text");
    }
    if field.field_descriptor_proto().proto3_optional() {
        text += " optional";
    }
    if field.json_name() != derived_json_name(field.name()) {
        write!(text, " [json_name = {}]", field.json_name()).expect("a String takes any text");
    }
    text
}

fn enumeration(out: &mut String, each: &EnumDescriptor) {
    let declared = each.enum_descriptor_proto();
    let deprecated = mark(
        declared
            .options
            .as_ref()
            .is_some_and(|options| options.deprecated()),
    );
    line(out, 0, &format!("\nenum {}{deprecated}", each.full_name()));
    let ranges = declared
        .reserved_range
        .iter()
        .map(|range| (range.start(), range.end()));
    reserved(out, ranges, &declared.reserved_name);
    for value in &declared.value {
        let deprecated = mark(
            value
                .options
                .as_ref()
                .is_some_and(|options| options.deprecated()),
        );
        line(
            out,
            1,
            &format!("{} {}{deprecated}", value.number(), value.name()),
        );
    }
}

fn reserved(out: &mut String, ranges: impl Iterator<Item = (i32, i32)>, names: &[String]) {
    for (first, last) in ranges {
        let range = if first == last {
            first.to_string()
        } else {
            format!("{first} to {last}")
        };
        line(out, 1, &format!("reserved {range}"));
    }
    names
        .iter()
        .for_each(|name| line(out, 1, &format!("reserved {name:?}")));
}

fn mark(deprecated: bool) -> &'static str {
    if deprecated { " [deprecated]" } else { "" }
}

/// What a compiler makes of a name unless the file says otherwise.
fn derived_json_name(name: &str) -> String {
    let (head, words) = name.split_once('_').unwrap_or((name, ""));
    let words = words.split('_').map(|word| match word.split_at_checked(1) {
        Some((initial, rest)) => initial.to_ascii_uppercase() + rest,
        None => String::new(),
    });
    words.fold(head.to_owned(), |sum, word| sum + &word)
}

fn line(out: &mut String, depth: usize, text: &str) {
    let indent = "  ".repeat(depth);
    writeln!(out, "{indent}{text}").expect("a String takes any text");
}
