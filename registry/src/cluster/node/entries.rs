//! Policies and services: entries that stay until somebody deletes them.

use serde::Serialize;

use super::super::error::RegistryError;
use super::super::store::{Lifetime, Transaction, Write};
use super::NodeRegistry;
use super::desired::{MAX_VALUE_BYTES, encode};

/// Bytes of a name, as in Kubernetes.
const MAX_NAME_BYTES: usize = 253;

impl NodeRegistry {
    pub(super) async fn put_entry<T: Serialize>(
        &self,
        key: String,
        entry: &T,
        what: &str,
        names: &[String],
    ) -> Result<(), RegistryError> {
        let value = encode(entry);
        let problem = names.iter().find_map(|name| wrong_name(name)).or_else(|| {
            let bytes = value.len();
            (bytes > MAX_VALUE_BYTES)
                .then(|| format!("it has {bytes} bytes, {MAX_VALUE_BYTES} are the most"))
        });
        if let Some(reason) = problem {
            return Err(RegistryError::Invalid {
                what: what.to_owned(),
                reason,
            });
        }
        let transaction = Transaction {
            writes: vec![Write::put(key, value, Lifetime::Permanent)],
            ..Transaction::default()
        };
        self.transact(&transaction, self.patience()).await?;
        Ok(())
    }

    pub(super) async fn delete_entry(&self, key: String) -> Result<bool, RegistryError> {
        let transaction = Transaction {
            writes: vec![Write::Delete(key)],
            ..Transaction::default()
        };
        let outcome = self.transact(&transaction, self.patience()).await?;
        Ok(outcome.deleted > 0)
    }
}

fn wrong_name(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("a name is empty".to_owned());
    }
    if name.len() > MAX_NAME_BYTES {
        return Some(format!(
            "a name has {} bytes, {MAX_NAME_BYTES} are the most",
            name.len()
        ));
    }
    name.chars()
        .any(char::is_control)
        .then(|| format!("the name {name:?} has control characters"))
}
