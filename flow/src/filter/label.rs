//! `source_label`, `destination_label`: Kubernetes selectors; strings are ORed, commas inside one AND.

use policy::Selector;

use super::FilterError;
use super::metadata::MetadataTest;

pub(super) fn compile(
    field: &'static str,
    selectors: &[String],
) -> Result<MetadataTest, FilterError> {
    let parse = |text: &String| {
        Selector::parse(text).map_err(|error| FilterError::value(field, text, error))
    };
    selectors
        .iter()
        .map(parse)
        .collect::<Result<_, _>>()
        .map(MetadataTest::Labels)
}
