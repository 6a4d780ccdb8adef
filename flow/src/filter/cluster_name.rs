//! `source_cluster_name`, `destination_cluster_name`: exact.

use super::FilterError;
use super::metadata::MetadataTest;

pub(super) fn compile(field: &'static str, names: &[String]) -> Result<MetadataTest, FilterError> {
    if names.iter().any(String::is_empty) {
        return Err(FilterError::value(field, "", "it is empty"));
    }
    Ok(MetadataTest::Clusters(names.to_vec()))
}
