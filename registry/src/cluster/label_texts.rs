//! Label sets and identities in JSON: a list of `source:key=value`, and a number.

use policy::{Identity, LabelSet};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// For `#[serde(with = …)]` on a [`LabelSet`].
pub(super) mod labels {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(
        labels: &LabelSet,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(labels.iter().map(ToString::to_string))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<LabelSet, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        LabelSet::parse(texts).map_err(D::Error::custom)
    }
}

/// For `#[serde(with = …)]` on an [`Identity`].
pub(super) mod identity {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(
        identity: &Identity,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        identity.0.serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Identity, D::Error> {
        u32::deserialize(deserializer).map(Identity)
    }
}
