//! Resident memory per flow held.

fn main() {}
