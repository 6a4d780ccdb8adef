//! Kinds of fields the contract does not use, through a `.proto` file of the test's own.

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};
use proto::json::to_json;

use super::parse;

fn descriptor() -> MessageDescriptor {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/json/fixtures");
    let set = protox::compile(["every_kind.proto"], [folder]).expect("the fixture compiles");
    let pool = DescriptorPool::from_file_descriptor_set(set).expect("a compiled set is whole");
    pool.get_message_by_name("fixture.EveryKind")
        .expect("the fixture declares it")
}

#[test]
fn every_kind_of_field_prints_as_go_prints_it() {
    let descriptor = descriptor();
    for line in [
        r#"{"last":"z","yes":false,"first":"-1","raw":"AP+/","single":0.1,"wide":-2.5}"#,
        r#"{"last":"z","word":"","first":"1"}"#,
        r#"{"zigzag":-5,"fixed":"18446744073709551615","maybe":0}"#,
        r#"{"by_name":{"":"3","a":"2","b":"1"},"by_number":{"-1":"RED","2":"NONE","10":7}}"#,
        r#"{"by_flag":{"false":{},"true":{"first":"1"}},"nested":[{},{"by_name":{"\u003c":"0"}}]}"#,
        r#"{"span":"0s","at":"1970-01-01T00:00:00Z","empty":{},"text":"","whole":"0","octets":"","real":0}"#,
        r#"{"span":"-0.000000001s","at":"1900-02-28T23:59:59.100Z"}"#,
        r#"{"span":"-315576000000.500s","at":"2000-02-29T00:00:00.000020Z"}"#,
        r#"{"single":1.5e+30,"many":[1e-7,16777216,0,"NaN","Infinity","-Infinity"]}"#,
        r#"{"any":{"@type":"type.googleapis.com/fixture.EveryKind","last":"z","first":"1"}}"#,
        r#"{"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.500s"}}"#,
        r#"{"any":{"@type":"type.googleapis.com/google.protobuf.Empty","value":{}}}"#,
    ] {
        assert_eq!(to_json(&parse(descriptor.clone(), line)), line);
    }
}

#[test]
fn what_go_refuses_keeps_its_contents() {
    let any = |type_url: &str, value: &'static [u8]| {
        let descriptor = descriptor()
            .parent_pool()
            .get_message_by_name("google.protobuf.Any")
            .unwrap();
        let mut any = DynamicMessage::new(descriptor);
        any.set_field_by_name("type_url", Value::String(type_url.to_owned()));
        any.set_field_by_name("value", Value::Bytes(value.into()));
        to_json(&any)
    };
    assert_eq!(
        any("example.org/no.Such", b"\x08\x01"),
        r#"{"@type":"example.org/no.Such","value":"CAE="}"#
    );
    assert_eq!(
        any("x/fixture.EveryKind", b"\xff"),
        r#"{"@type":"x/fixture.EveryKind","value":"/w=="}"#
    );
    assert_eq!(any("", b"\x08\x01"), r#"{"value":"CAE="}"#);
    assert_eq!(any("", b""), "{}");

    let duration = |seconds: i64, nanos: i32| {
        let descriptor = descriptor()
            .parent_pool()
            .get_message_by_name("google.protobuf.Duration")
            .unwrap();
        let mut duration = DynamicMessage::new(descriptor);
        duration.set_field_by_name("seconds", Value::I64(seconds));
        duration.set_field_by_name("nanos", Value::I32(nanos));
        to_json(&duration)
    };
    assert_eq!(duration(1, -1), r#"{"seconds":"1","nanos":-1}"#);
    assert_eq!(
        duration(i64::MIN, 0),
        r#"{"seconds":"-9223372036854775808"}"#
    );
}
