//! The SUMMARY column: the observer's words on what was in the packet or request.

use proto::flow::{AuthType, Flow};

use super::color::{Paint, Palette};
use super::escape::escape;

/// The same without colours.
pub(crate) fn plain(flow: &Flow) -> String {
    text(flow, Palette::PLAIN)
}

/// The summary with the IP trace before it and the authentication behind it, if there are any.
pub(super) fn text(flow: &Flow, palette: Palette) -> String {
    let mut text = String::new();
    if let Some(trace) = flow.ip_trace_id.as_ref().filter(|trace| trace.trace_id > 0) {
        text = format!("IP Trace ID: {}; ", trace.trace_id);
    }
    text.push_str(&escape(&flow.summary));
    if let Ok(auth) = AuthType::try_from(flow.auth_type) {
        let paint = match auth {
            AuthType::Disabled => return text,
            AuthType::TestAlwaysFail => Paint::Bad,
            AuthType::Spire => Paint::Good,
        };
        text.push_str("; Auth: ");
        text.push_str(&palette.paint(paint, auth.as_str_name()));
    }
    text
}
