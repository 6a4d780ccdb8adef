//! Strings, bytes and floating point numbers as Go's JSON packages write them.

use std::fmt::{Display, LowerExp, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Writes a string in quotes. Angle brackets, `&` and the two Unicode line separators are escaped so that
/// the text stays harmless inside HTML and JavaScript.
pub(super) fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                write!(out, "\\u{:04x}", u32::from(character)).expect("a String takes any text");
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Writes bytes as padded base64.
pub(super) fn write_bytes(out: &mut String, bytes: &[u8]) {
    out.push('"');
    STANDARD.encode_string(bytes, out);
    out.push('"');
}

/// Writes the shortest digits that read back as the same `f64`.
pub(super) fn write_f64(out: &mut String, number: f64) {
    write_float(out, number, number);
}

/// Writes the shortest digits that read back as the same `f32`.
pub(super) fn write_f32(out: &mut String, number: f32) {
    write_float(out, number, f64::from(number));
}

/// `number` decides the digits, `magnitude` (the same value) the notation.
fn write_float(out: &mut String, number: impl Display + LowerExp, magnitude: f64) {
    if magnitude.is_nan() {
        out.push_str("\"NaN\"");
    } else if magnitude.is_infinite() {
        out.push_str(if magnitude > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        });
    } else if magnitude != 0.0 && (magnitude.abs() < 1e-6 || magnitude.abs() >= 1e21) {
        // Go writes the sign of a positive exponent, Rust does not.
        let digits = format!("{number:e}");
        let explicit = if digits.contains("e-") {
            digits
        } else {
            digits.replace('e', "e+")
        };
        out.push_str(&explicit);
    } else {
        write!(out, "{number}").expect("a String takes any text");
    }
}
