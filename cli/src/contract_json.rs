//! Reads messages of the contract from JSON.

use prost_reflect::{DeserializeOptions, DynamicMessage};

/// Reads one message after another; `full_name` is the name of `M` in the contract.
pub(crate) fn read_all<M: prost::Message + Default>(
    full_name: &str,
    json: &str,
    unknown_fields: Unknown,
) -> Result<Vec<M>, serde_json::Error> {
    let options = DeserializeOptions::new().deny_unknown_fields(unknown_fields == Unknown::Refuse);
    let descriptor = proto::descriptor_pool()
        .get_message_by_name(full_name)
        .expect("callers name messages of the contract");
    let mut messages = Vec::new();
    if json.trim().is_empty() {
        return Ok(messages);
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    loop {
        let message = DynamicMessage::deserialize_with_options(
            descriptor.clone(),
            &mut deserializer,
            &options,
        )?;
        messages.push(
            message
                .transcode_to()
                .expect("the type and the descriptor are of the same message"),
        );
        // It fails where something follows: the next message, or something that is none.
        if deserializer.end().is_ok() {
            return Ok(messages);
        }
    }
}

/// What to do with fields that the contract does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// Read on: the file may be of a newer server.
    Skip,
    /// Fail: a filter without one of its conditions would match too much.
    Refuse,
}
