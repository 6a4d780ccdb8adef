//! Puts the web page into the relay: what `npm run build` made in `web-ui`, or one page that says how to build it.
//! npm is never run from here: cargo builds the same without a network, and whether Node is there or not.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Where `npm run build` leaves the page, seen from this package. The folder around it is always there, so that cargo can
/// watch it: what it watches and does not find it builds anew each time.
const WATCHED: &str = "../web-ui/dist";
const BUILT: &str = "../web-ui/dist/page";
const PLACEHOLDER: &str = "src/page/placeholder";
/// Set to 1 it makes the placeholder an error.
const REQUIRE: &str = "TYCHO_REQUIRE_PAGE";

/// What is worth to be compressed; fonts and pictures are so already.
const COMPRESSED: [&str; 7] = ["css", "html", "js", "json", "svg", "txt", "wasm"];

fn main() {
    for watched in ["build.rs", WATCHED, PLACEHOLDER] {
        println!("cargo::rerun-if-changed={watched}");
    }
    println!("cargo::rerun-if-env-changed={REQUIRE}");
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(variable("OUT_DIR"));
    let mut source = package.join(BUILT);
    if !source.join("index.html").is_file() {
        let missing = "the web page is not built: `cargo xtask demo` builds it, or `npm ci && npm run build` in web-ui";
        if env::var_os(REQUIRE).is_some_and(|value| value == "1") {
            println!("cargo::error={missing} ({REQUIRE}=1 forbids to go on without)");
            return;
        }
        println!("cargo::warning={missing}; until then the relay serves a page that says so");
        source = package.join(PLACEHOLDER);
    }
    let copy = out.join("page");
    if copy.exists() {
        fs::remove_dir_all(&copy).expect("the last copy can be removed");
    }
    let mut table = String::from("&[\n");
    add(&source, &source, &copy, &mut table);
    table.push_str("]\n");
    fs::write(out.join("page_files.rs"), table).expect("the output folder can be written");
}

/// Copies what lies in a folder, in the order of names, and adds it to the table.
fn add(folder: &Path, root: &Path, copy: &Path, table: &mut String) {
    let entries = fs::read_dir(folder).expect("the page's folder can be read");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the page's folder can be read").path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add(&path, root, copy, table);
            continue;
        }
        let name = path.strip_prefix(root).expect("it lies in the folder");
        let bytes = fs::read(&path).expect("a file of the page can be read");
        let plain = copy.join(name);
        fs::create_dir_all(plain.parent().expect("it lies in a folder")).expect("a folder");
        fs::write(&plain, &bytes).expect("the output folder can be written");
        let gzip = compressed(name, &bytes).map(|smaller| {
            let path = plain.with_added_extension("gz");
            fs::write(&path, smaller).expect("the output folder can be written");
            path
        });
        let gzip = match gzip {
            Some(path) => format!("Some(include_bytes!({path:?}))"),
            None => "None".to_owned(),
        };
        let name = name.to_str().expect("names of the page are UTF-8");
        writeln!(
            table,
            "    PageFile {{ path: {name:?}, plain: include_bytes!({plain:?}), gzip: {gzip} }},"
        )
        .expect("writing to a String succeeds");
    }
}

/// The bytes compressed, if that makes them smaller. `index.html` changes with each request.
fn compressed(name: &Path, bytes: &[u8]) -> Option<Vec<u8>> {
    let extension = name.extension()?.to_str()?;
    if name == Path::new("index.html") || !COMPRESSED.contains(&extension) {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory can be written");
    let smaller = encoder.finish().expect("memory can be written");
    (smaller.len() < bytes.len()).then_some(smaller)
}

fn variable(name: &str) -> String {
    // Cargo sets it for every build script.
    env::var_os(name)
        .and_then(|value| value.into_string().ok())
        .unwrap_or_else(|| panic!("cargo sets {name}"))
}
