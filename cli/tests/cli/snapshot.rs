//! Text that is compared with a file. `TYCHO_BLESS=1 cargo test -p cli` approves what it is now.

use crate::binary::fixture;

/// Fails if the text is not the file's.
pub(crate) fn check(name: &str, text: &str) {
    let path = fixture(name);
    if std::env::var_os("TYCHO_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("the folder");
        std::fs::write(&path, text).expect("the snapshot is written");
        return;
    }
    let approved = std::fs::read_to_string(&path).expect("run once with TYCHO_BLESS=1");
    assert_eq!(text, approved, "TYCHO_BLESS=1 approves a change of {name}");
}
