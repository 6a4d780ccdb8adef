//! The ledger as tables: the stages a flow passes, and the kernel's counters.

use std::io;

use proto::tycho::v1::GetLedgerResponse;

use crate::clock::format::TimeFormat;
use crate::output::escape::visible;
use crate::output::number::grouped;
use crate::output::table;

/// Writes the ledger.
pub(super) fn write(out: &mut dyn io::Write, ledger: &GetLedgerResponse) -> io::Result<()> {
    let state = if ledger.closed {
        "closed: every flow is accounted for"
    } else {
        "not closed: flows are in flight"
    };
    writeln!(
        out,
        "Ledger of {} since {} ({state})",
        visible(&ledger.node_name),
        TimeFormat::Rfc3339.write(ledger.started.as_ref())
    )?;
    let mut stages = vec![header(&["STAGE", "COUNT", "MEANING"])];
    stages.extend(
        ledger
            .rows
            .iter()
            .map(|row| vec![row.stage.clone(), grouped(row.count), row.meaning.clone()]),
    );
    table::write(out, &stages)?;
    if ledger.kernel.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut counters = vec![header(&["KERNEL COUNTER", "PACKETS", "BYTES", "MEANING"])];
    counters.extend(ledger.kernel.iter().map(|row| {
        vec![
            row.name.clone(),
            grouped(row.packets),
            grouped(row.bytes),
            row.meaning.clone(),
        ]
    }));
    table::write(out, &counters)
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
