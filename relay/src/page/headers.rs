//! What every answer of the page's listeners says of itself to a browser.

use http::header::{REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response};

const OF_EVERY_ANSWER: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Addresses of the page hold filters: names of workloads, addresses of people's machines.
    (REFERRER_POLICY, "no-referrer"),
    // No other site may include what is here, or keep hold of a window with it.
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Adds them.
pub(super) fn add<B>(mut response: Response<B>) -> Response<B> {
    for (name, value) in OF_EVERY_ANSWER {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
