//! A case: policies, and a table of attempts in their comment that says what becomes of each and who decides.
//!
//! A line of the table is `# from > to protocol/port | what the sender's hook says | what the receiver's hook says`:
//! `-` for an end that nothing is enforced at, `by RULE` for what a rule lets pass, `deny RULE`, `drop POLICY, POLICY…` for a
//! default deny, `audit …` for what passes all the same, and nothing where no hook sees the packet. Without a number the
//! protocol is meant in both families.

use std::fs;
use std::path::{Path, PathBuf};

use tests::attempt::Protocol;

/// A file of a case.
#[derive(Debug)]
pub(super) struct Case {
    /// Its name, for messages.
    pub(super) name: String,
    /// The policies.
    pub(super) policies: String,
    /// The table.
    pub(super) rows: Vec<Row>,
}

/// A line of the table, in one family.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The line as it is written, with the family.
    pub(super) text: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) protocol: Protocol,
    pub(super) port: u16,
    pub(super) ipv6: bool,
    /// What the hooks say, the sender's first; none from one that no packet meets.
    pub(super) expected: Vec<String>,
}

impl Row {
    /// Whether the attempt is answered.
    pub(super) fn passes(&self) -> bool {
        let mut said = self.expected.iter();
        !said.any(|said| said.starts_with("drop ") || said.starts_with("deny "))
    }
}

/// All cases of a folder beside this file, by name.
pub(super) fn cases_of(folder: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("kernel/network_policy")
        .join(folder);
    let entries = fs::read_dir(&folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("read").path()).collect();
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Case {
    let text = fs::read_to_string(file).expect("text");
    let lines = text.lines().filter(|line| line.starts_with("# "));
    // The first line says in words what the case is about.
    let rows: Vec<Row> = lines.skip(1).flat_map(rows_of).collect();
    assert!(!rows.is_empty(), "{} has no table", file.display());
    Case {
        name: file
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned(),
        policies: text,
        rows,
    }
}

fn rows_of(line: &str) -> Vec<Row> {
    let cells: Vec<&str> = line[2..].split('|').map(str::trim).collect();
    let [talk, sender, receiver] = cells[..] else {
        panic!("not three cells: {line}");
    };
    let (ends, protocol) = talk.rsplit_once(' ').expect("a protocol");
    let (from, to) = ends.split_once(" > ").expect("two ends");
    let (word, port) = protocol.split_once('/').unwrap_or((protocol, "0"));
    let (word, families): (_, &[bool]) = match word.split_at(word.len() - 1) {
        (word, "4") => (word, &[false]),
        (word, "6") => (word, &[true]),
        _ => (word, &[false, true]),
    };
    let protocol = match word {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "icmp" => Protocol::Icmp,
        other => panic!("no protocol {other}: {line}"),
    };
    let said = [sender, receiver]
        .into_iter()
        .filter(|said| !said.is_empty());
    let row = |ipv6: &bool| Row {
        text: format!("{talk}, IPv{}", if *ipv6 { 6 } else { 4 }),
        from: from.to_owned(),
        to: to.to_owned(),
        protocol,
        port: port.parse().expect("a port"),
        ipv6: *ipv6,
        expected: said.clone().map(str::to_owned).collect(),
    };
    families.iter().map(row).collect()
}
