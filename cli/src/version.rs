//! `tycho version`.

/// Version of the Hubble API that Tycho speaks.
const HUBBLE_API: &str = "1.19.4";

/// One line that names this version and the API's.
pub(crate) fn line() -> String {
    format!(
        "tycho {} (hubble API {HUBBLE_API})",
        env!("CARGO_PKG_VERSION")
    )
}
