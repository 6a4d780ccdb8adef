//! The table of fields in the documentation against the contract.

use std::collections::BTreeMap;

#[test]
fn the_documentation_names_every_field_of_flow() {
    let document = include_str!("../../../docs/flow-fields.md");
    let rows: BTreeMap<u32, &str> = document
        .lines()
        .take_while(|line| !line.starts_with("## Inside"))
        .filter_map(|line| {
            let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
            let number = cells.next()?.parse().ok()?;
            Some((number, cells.next()?.trim_matches('`')))
        })
        .collect();
    let flow = proto::descriptor_pool()
        .get_message_by_name("flow.Flow")
        .unwrap();
    let names: Vec<_> = flow
        .fields()
        .map(|field| (field.number(), field.name().to_owned()))
        .collect();
    let contract = names
        .iter()
        .map(|(number, name)| (*number, name.as_str()))
        .collect();
    assert_eq!(rows, contract);
}
