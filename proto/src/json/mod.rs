//! JSON exactly as Go prints it for Hubble's messages, byte for byte.
//!
//! Hubble's Go types print through `protojson` with the names of the `.proto` file, leave out what is
//! not set, and pass the result through `encoding/json`, which removes spaces and escapes what HTML could
//! trip over. Scripts and dashboards read that text, so the order of fields (as declared, not by number),
//! 64-bit integers as strings and the digits of a timestamp all belong to the contract.
//!
//! Where Go refuses to print a message (a time out of range, an unknown type in an `Any`), the message is
//! printed in a plain form that loses nothing.

mod scalar;
mod well_known;

use prost_reflect::{DynamicMessage, Kind, MapKey, ReflectMessage as _, Value};

use crate::descriptor_pool;

/// Prints a message as one line, without a line feed.
///
/// `google.protobuf.Struct`, `Value` and `ListValue` have no special form here: the contract has none.
pub fn to_json(message: &DynamicMessage) -> String {
    let mut out = String::new();
    write_message(&mut out, message);
    out
}

/// Prints a generated message; `full_name` is its name in the contract, such as `flow.Flow`.
///
/// # Panics
///
/// If the contract has no message of that name, or one whose fields are not those of `M`.
pub fn message_to_json<M: prost::Message>(full_name: &str, message: &M) -> String {
    let descriptor = descriptor_pool()
        .get_message_by_name(full_name)
        .unwrap_or_else(|| panic!("the contract has no message {full_name}"));
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .expect("a message that was just encoded decodes by its own descriptor");
    to_json(&dynamic)
}

fn write_message(out: &mut String, message: &DynamicMessage) {
    if !well_known::write(out, message) {
        out.push('{');
        write_fields(out, message);
        out.push('}');
    }
}

/// Writes the fields that are set, in the order of the `.proto` file, after whatever the object holds.
fn write_fields(out: &mut String, message: &DynamicMessage) {
    let descriptor = message.descriptor();
    for declared in &descriptor.descriptor_proto().field {
        let field = descriptor
            .get_field_by_name(declared.name())
            .filter(|field| message.has_field(field));
        if let Some(field) = field {
            write_key(out, field.name());
            write_value(out, &field.kind(), &message.get_field(&field));
        }
    }
}

/// Writes `"key":`, with a comma if it is not the first of its object.
fn write_key(out: &mut String, key: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    scalar::write_string(out, key);
    out.push(':');
}

/// `kind` is the field's: for a map, its entry message; for a list, that of the items.
fn write_value(out: &mut String, kind: &Kind, value: &Value) {
    match value {
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::I32(value) => out.push_str(&value.to_string()),
        Value::U32(value) => out.push_str(&value.to_string()),
        Value::I64(value) => scalar::write_string(out, &value.to_string()),
        Value::U64(value) => scalar::write_string(out, &value.to_string()),
        Value::F32(value) => scalar::write_f32(out, *value),
        Value::F64(value) => scalar::write_f64(out, *value),
        Value::String(value) => scalar::write_string(out, value),
        Value::Bytes(value) => scalar::write_bytes(out, value),
        Value::EnumNumber(number) => write_enum(out, kind, *number),
        Value::Message(message) => write_message(out, message),
        Value::List(items) => write_list(out, kind, items),
        Value::Map(entries) => write_map(out, kind, entries.iter().collect()),
    }
}

fn write_enum(out: &mut String, kind: &Kind, number: i32) {
    let value = kind.as_enum().and_then(|each| each.get_value(number));
    match value {
        Some(value) => scalar::write_string(out, value.name()),
        None => out.push_str(&number.to_string()),
    }
}

fn write_list(out: &mut String, kind: &Kind, items: &[Value]) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_value(out, kind, item);
    }
    out.push(']');
}

/// Go sorts the entries of a map, numbers by value.
fn write_map(out: &mut String, kind: &Kind, mut entries: Vec<(&MapKey, &Value)>) {
    entries.sort_unstable_by(|one, other| one.0.cmp(other.0));
    let kind = match kind {
        Kind::Message(entry) if entry.is_map_entry() => entry.map_entry_value_field().kind(),
        other => other.clone(),
    };
    out.push('{');
    for (key, value) in entries {
        write_key(out, &map_key(key));
        write_value(out, &kind, value);
    }
    out.push('}');
}

fn map_key(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}
