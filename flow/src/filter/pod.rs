//! `source_pod`, `destination_pod`: `namespace/prefix`.

use super::FilterError;
use super::metadata::MetadataTest;
use crate::metadata::MetadataContent;

/// A namespace (empty: any) and the beginning of a name.
#[derive(Debug)]
pub(super) struct PodPattern {
    namespace: String,
    prefix: String,
}

impl PodPattern {
    pub(super) fn matches(&self, content: &MetadataContent) -> bool {
        // A lone slash means: anything that has a name or a namespace.
        !(content.namespace.is_empty() && content.pod_name.is_empty())
            && (self.namespace.is_empty() || self.namespace == content.namespace)
            && content.pod_name.starts_with(&self.prefix)
    }
}

pub(super) fn compile(
    field: &'static str,
    patterns: &[String],
) -> Result<MetadataTest, FilterError> {
    let parse = |text: &String| {
        if text.is_empty() {
            return Err(FilterError::value(field, text, "it is empty"));
        }
        // Without a slash the namespace is `default`, as in kubectl.
        let (namespace, prefix) = text.split_once('/').unwrap_or(("default", text));
        Ok(PodPattern {
            namespace: namespace.to_owned(),
            prefix: prefix.to_owned(),
        })
    };
    patterns
        .iter()
        .map(parse)
        .collect::<Result<_, _>>()
        .map(MetadataTest::Pods)
}
