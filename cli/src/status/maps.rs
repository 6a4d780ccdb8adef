//! How full the maps of the kernel programs are: those that somebody should know of, or all.

use std::io;

use proto::tycho::v1::MapRow;

use super::server::share_percent;
use crate::output::columns::{Columns, line};
use crate::output::number::grouped;

/// A map below this is far from its end.
const NOTABLE_PERCENT: f64 = 10.0;

/// Writes the maps, the fullest first.
pub(super) fn write(out: &mut dyn io::Write, maps: &[MapRow], all: bool) -> io::Result<()> {
    if maps.is_empty() {
        return Ok(());
    }
    let mut shown: Vec<&MapRow> = maps
        .iter()
        .filter(|map| all || full_percent(map) >= NOTABLE_PERCENT)
        .collect();
    shown.sort_by(|one, other| full_percent(other).total_cmp(&full_percent(one)));
    if shown.is_empty() {
        return writeln!(
            out,
            "\nEach of the {} kernel maps is less than {NOTABLE_PERCENT} % full (--verbose lists them)",
            maps.len()
        );
    }
    writeln!(out)?;
    let mut table = Columns::new(&[
        "KERNEL MAP",
        "ENTRIES",
        "CAPACITY",
        "FULL",
        "WHEN IT IS FULL",
    ]);
    for map in shown {
        table.row([
            line(&map.name),
            line(grouped(map.entries)),
            line(grouped(map.capacity)),
            line(format!("{:.1}%", full_percent(map))),
            line(&map.meaning),
        ]);
    }
    table.write(out)
}

fn full_percent(map: &MapRow) -> f64 {
    if map.capacity == 0 {
        return 0.0;
    }
    share_percent(map.entries, map.capacity)
}

#[cfg(test)]
mod tests {
    use proto::tycho::v1::MapRow;

    fn written(all: bool, filled: &[(&str, u64)]) -> String {
        let maps: Vec<MapRow> = filled
            .iter()
            .map(|(name, entries)| MapRow {
                name: (*name).to_owned(),
                entries: *entries,
                capacity: 1_000,
                meaning: "connections".to_owned(),
            })
            .collect();
        let mut out = Vec::new();
        super::write(&mut out, &maps, all).expect("a vector takes all");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn the_fullest_come_first_and_empty_ones_only_on_request() {
        let maps = [("a", 99), ("b", 100), ("c", 990)];
        let header = "\nKERNEL MAP  ENTRIES  CAPACITY  FULL   WHEN IT IS FULL\n";
        let full = "c           990      1,000     99.0%  connections\n\
                    b           100      1,000     10.0%  connections\n";
        assert_eq!(written(false, &maps), format!("{header}{full}"));
        assert_eq!(
            written(true, &maps),
            format!("{header}{full}a           99       1,000     9.9%   connections\n")
        );
        assert_eq!(
            written(false, &maps[..1]),
            "\nEach of the 1 kernel maps is less than 10 % full (--verbose lists them)\n"
        );
        assert_eq!(written(true, &[]), "");
    }
}
