//! The messages of `google.protobuf` that have a JSON form of their own.

use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

use super::{scalar, write_fields, write_key, write_message, write_value};

// Full names of the messages with a special form.
const TIMESTAMP: &str = "google.protobuf.Timestamp";
const DURATION: &str = "google.protobuf.Duration";
const FIELD_MASK: &str = "google.protobuf.FieldMask";
const EMPTY: &str = "google.protobuf.Empty";
const ANY: &str = "google.protobuf.Any";
const WRAPPERS: [&str; 9] = [
    "google.protobuf.BoolValue",
    "google.protobuf.BytesValue",
    "google.protobuf.DoubleValue",
    "google.protobuf.FloatValue",
    "google.protobuf.Int32Value",
    "google.protobuf.Int64Value",
    "google.protobuf.StringValue",
    "google.protobuf.UInt32Value",
    "google.protobuf.UInt64Value",
];

/// Writes the message in its special form. False: it has none (or not for this value); nothing is written.
pub(super) fn write(out: &mut String, message: &DynamicMessage) -> bool {
    let descriptor = message.descriptor();
    let text = match descriptor.full_name() {
        TIMESTAMP => timestamp(seconds(message), nanos(message)),
        DURATION => duration(seconds(message), nanos(message)),
        FIELD_MASK => Some(field_mask(message)),
        ANY => return write_any(out, message),
        name if WRAPPERS.contains(&name) => {
            if let Some(field) = descriptor.get_field(1) {
                write_value(out, &field.kind(), &message.get_field(&field));
            }
            return true;
        }
        _ => None,
    };
    if let Some(text) = &text {
        scalar::write_string(out, text);
    }
    text.is_some()
}

fn seconds(message: &DynamicMessage) -> i64 {
    let value = message.get_field_by_number(1);
    value.and_then(|value| value.as_i64()).unwrap_or_default()
}

fn nanos(message: &DynamicMessage) -> i32 {
    let value = message.get_field_by_number(2);
    value.and_then(|value| value.as_i32()).unwrap_or_default()
}

/// RFC 3339 in UTC; `None` outside the years 1 to 9999.
fn timestamp(seconds: i64, nanos: i32) -> Option<String> {
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_300_799;
    if !(FIRST..=LAST).contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        return None;
    }
    let (year, month, day) = date(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = fraction(nanos.unsigned_abs());
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"
    ))
}

/// The Gregorian date of a number of days since 1970-01-01, by 400-year cycles counted from 1 March of the
/// year 0: the leap day is then the last day of its year and month lengths follow one line.
fn date(days_since_1970: i64) -> (i64, i64, i64) {
    const DAYS_PER_CYCLE: i64 = 146_097;
    let days = days_since_1970 + 719_468;
    let day_of_cycle = days.rem_euclid(DAYS_PER_CYCLE);
    let leap_days =
        day_of_cycle / 1460 - day_of_cycle / 36_524 + day_of_cycle / (DAYS_PER_CYCLE - 1);
    let year_of_cycle = (day_of_cycle - leap_days) / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = days.div_euclid(DAYS_PER_CYCLE) * 400 + year_of_cycle + i64::from(month <= 2);
    (year, month, day)
}

/// Seconds with a fraction and `s`; `None` beyond 10,000 years or if the two signs differ.
fn duration(seconds: i64, nanos: i32) -> Option<String> {
    const LIMIT: u64 = 315_576_000_000;
    let signs_differ = (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0);
    if seconds.unsigned_abs() > LIMIT || nanos.unsigned_abs() >= 1_000_000_000 || signs_differ {
        return None;
    }
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    let fraction = fraction(nanos.unsigned_abs());
    Some(format!("{sign}{}{fraction}s", seconds.unsigned_abs()))
}

/// No digits, or a point and three, six or nine of them: as few as hold the value.
fn fraction(nanos: u32) -> String {
    if nanos == 0 {
        String::new()
    } else if nanos.is_multiple_of(1_000_000) {
        format!(".{:03}", nanos / 1_000_000)
    } else if nanos.is_multiple_of(1_000) {
        format!(".{:06}", nanos / 1_000)
    } else {
        format!(".{nanos:09}")
    }
}

/// Paths in lower camel case, joined by commas.
fn field_mask(message: &DynamicMessage) -> String {
    let paths = message.get_field_by_number(1);
    let paths = paths
        .as_deref()
        .and_then(Value::as_list)
        .unwrap_or_default();
    let paths = paths.iter().filter_map(Value::as_str).map(camel_case);
    paths.collect::<Vec<_>>().join(",")
}

fn camel_case(path: &str) -> String {
    let mut after_underscore = false;
    let mut out = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '_' {
            out.push(if after_underscore {
                character.to_ascii_uppercase()
            } else {
                character
            });
        }
        after_underscore = character == '_';
    }
    out
}

/// The message inside, after its type; one whose type is unknown keeps its bytes.
fn write_any(out: &mut String, any: &DynamicMessage) -> bool {
    let type_url = any.get_field_by_number(1);
    let type_url = type_url
        .as_deref()
        .and_then(Value::as_str)
        .unwrap_or_default();
    let bytes = any.get_field_by_number(2);
    let bytes = bytes
        .as_deref()
        .and_then(Value::as_bytes)
        .map(AsRef::as_ref)
        .unwrap_or_default();
    if type_url.is_empty() {
        return false;
    }
    out.push('{');
    write_key(out, "@type");
    scalar::write_string(out, type_url);
    match inner(any, type_url, bytes) {
        Some(message) if has_special_form(message.descriptor().full_name()) => {
            write_key(out, "value");
            write_message(out, &message);
        }
        Some(message) => write_fields(out, &message),
        None => {
            write_key(out, "value");
            scalar::write_bytes(out, bytes);
        }
    }
    out.push('}');
    true
}

fn inner(any: &DynamicMessage, type_url: &str, bytes: &[u8]) -> Option<DynamicMessage> {
    let name = type_url.rsplit('/').next()?;
    let descriptor = any.descriptor().parent_pool().get_message_by_name(name)?;
    DynamicMessage::decode(descriptor, bytes).ok()
}

fn has_special_form(name: &str) -> bool {
    [TIMESTAMP, DURATION, FIELD_MASK, EMPTY, ANY].contains(&name) || WRAPPERS.contains(&name)
}
