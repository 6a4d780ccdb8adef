//! JSON as Go's protojson prints it.
