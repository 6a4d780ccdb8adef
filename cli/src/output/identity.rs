//! Identities as people read them: `(world)`, `(ID:12001)`.

use policy::Identity;

/// The identity in parentheses, by name if it is reserved.
pub(crate) fn shown(identity: u32) -> String {
    match Identity(identity).name() {
        Some(name) => format!("({name})"),
        None => format!("(ID:{identity})"),
    }
}
