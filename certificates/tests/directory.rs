//! A directory of certificates: private keys, nothing overwritten, the same CA for what comes later.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use certificates::{Directory, DirectoryError, Leaf, Made, Validity};
use daemon::tls::CertificateFacts;

const DAY: Duration = Duration::from_secs(86_400);

fn node(name: &str) -> Leaf {
    Leaf::node(name, "default", &[]).unwrap()
}

fn make(directory: &Directory, leaves: &[Leaf], force: bool) -> Result<Made, DirectoryError> {
    let ca = Validity::lasting(10 * DAY);
    directory.make("Tycho", ca, leaves, Validity::lasting(DAY), force)
}

fn facts(path: &Path) -> CertificateFacts {
    CertificateFacts::read_pem(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn keys_are_private_and_later_certificates_have_the_same_authority() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er");
    let directory = Directory::new(path.clone());
    let made = make(
        &directory,
        &[node("a"), Leaf::admin("root").unwrap()],
        false,
    )
    .unwrap();
    assert!(made.new_authority);
    let expect = ["node-a.crt", "admin-root.crt"].map(|name| path.join(name));
    assert_eq!(made.certificates, expect);
    for (file, mode) in [
        ("ca.key", 0o600),
        ("node-a.key", 0o600),
        ("admin-root.key", 0o600),
        ("ca.crt", 0o644),
        ("node-a.crt", 0o644),
    ] {
        let permissions = fs::metadata(path.join(file)).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "{file}");
    }
    let admin = facts(&directory.certificate("admin-root"));
    assert!(admin.is_admin());
    assert_eq!(admin.common_name.as_deref(), Some("root"));

    let authority = fs::read(directory.authority()).unwrap();
    let made = make(&directory, &[node("b")], false).unwrap();
    assert!(!made.new_authority);
    assert_eq!(fs::read(directory.authority()).unwrap(), authority);
    assert_eq!(
        facts(&directory.certificate("node-b")).names,
        ["b.default.tycho"]
    );
}

#[test]
fn nothing_is_overwritten_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::new(folder.path().to_owned());
    make(&directory, &[node("a")], false).unwrap();
    let content = || -> Vec<(std::ffi::OsString, Vec<u8>)> {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut content: Vec<_> = entries
            .map(|entry| entry.unwrap())
            .map(|entry| {
                (
                    entry.file_name(),
                    fs::read(entry.path()).unwrap_or_default(),
                )
            })
            .collect();
        content.sort();
        content
    };
    let before = content();
    let error = make(&directory, &[node("b"), node("a")], false).unwrap_err();
    assert!(error.to_string().contains("node-a.crt exists"), "{error}");
    let error = make(&directory, &[node("c"), node("c")], true).unwrap_err();
    assert!(
        error.to_string().contains("node-c is asked for twice"),
        "{error}"
    );
    assert_eq!(content(), before, "nothing was made");

    // A link to nowhere is in the way as well, and is replaced, not followed.
    symlink(folder.path().join("elsewhere"), directory.key("node-d")).unwrap();
    let error = make(&directory, &[node("d")], false).unwrap_err();
    assert!(error.to_string().contains("node-d.key exists"), "{error}");
    make(&directory, &[node("d"), node("a")], true).unwrap();
    assert!(!folder.path().join("elsewhere").exists());
    let after = content();
    let of = |content: &[(std::ffi::OsString, Vec<u8>)], name: &str| {
        let found = content.iter().find(|(file, _)| file == name);
        found.unwrap().1.clone()
    };
    assert_ne!(of(&before, "node-a.key"), of(&after, "node-a.key"));
    assert_eq!(of(&before, "ca.key"), of(&after, "ca.key"), "the CA stays");
}

#[test]
fn an_authority_that_cannot_be_used_is_named() {
    let check = |spoil: &dyn Fn(&Directory), expect: &str| {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::new(folder.path().to_owned());
        make(&directory, &[node("a")], false).unwrap();
        spoil(&directory);
        let error = make(&directory, &[node("b")], false).unwrap_err();
        let mut text = error.to_string();
        if let Some(cause) = std::error::Error::source(&error) {
            text = format!("{text}: {cause}");
        }
        assert!(text.contains(expect), "{text}");
        assert!(!directory.certificate("node-b").exists());
    };
    check(
        &|directory| fs::remove_file(directory.key("ca")).unwrap(),
        "ca.key is missing beside",
    );
    check(
        &|directory| fs::remove_file(directory.authority()).unwrap(),
        "ca.crt is missing beside",
    );
    check(
        &|directory| fs::write(directory.authority(), "x").unwrap(),
        "ca.crt cannot be used: it is no certificate",
    );
    check(
        &|directory| {
            fs::copy(directory.key("node-a"), directory.key("ca")).unwrap();
        },
        "not made together",
    );
    check(
        &|directory| {
            for file in ["crt", "key"] {
                let [from, to] = ["node-a", "ca"].map(|name| {
                    let path = directory.authority();
                    path.with_file_name(format!("{name}.{file}"))
                });
                fs::copy(from, to).unwrap();
            }
        },
        "it is no CA's",
    );
}

#[test]
fn an_authority_that_has_expired_signs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::new(folder.path().to_owned());
    let past = Validity {
        not_before: SystemTime::now() - 2 * DAY,
        not_after: SystemTime::now() - DAY,
    };
    directory
        .make("Tycho", past, &[], Validity::lasting(DAY), false)
        .unwrap();
    let error = make(&directory, &[node("a")], false).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("choose another directory"), "{cause}");
}

#[test]
fn no_certificate_outlives_its_authority() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::new(folder.path().to_owned());
    let ca = Validity::lasting(DAY);
    directory
        .make("Tycho", ca, &[node("a")], Validity::lasting(9 * DAY), false)
        .unwrap();
    let [ca, node] = ["ca", "node-a"].map(|file| facts(&directory.certificate(file)));
    assert_eq!(ca.not_after, node.not_after);
}
