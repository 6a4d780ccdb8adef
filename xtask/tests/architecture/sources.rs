//! What every source file keeps to.

use std::path::{Path, PathBuf};

use crate::repository::{rust_files, text};

/// Lines of a file without its tests.
const LINES_AT_MOST: usize = 400;

/// Names that say nothing about what lies there.
const BANNED_MODULES: [&str; 10] = [
    "common", "helper", "helpers", "manager", "misc", "shared", "types", "util", "utils", "stuff",
];

/// The only folder of the observer that knows the kernel.
const KERNEL_MODULE: &str = "observer/src/kernel";

/// Fails with every file that `problem` has something to say about.
fn no_file(problem: impl Fn(&Path, &str) -> Option<String>) {
    let wrong: Vec<String> = rust_files()
        .iter()
        .filter_map(|file| {
            Some(format!(
                "{}: {}",
                file.display(),
                problem(file, &text(file))?
            ))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The code of a line: without its comment, and without what stands in quotes.
fn code(line: &str) -> String {
    let mut code = String::new();
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if quoted => drop(characters.next()),
            '"' => quoted = !quoted,
            '/' if !quoted && characters.peek() == Some(&'/') => break,
            _ if quoted => {}
            _ => code.push(character),
        }
    }
    code
}

/// The first line whose code has this word.
fn line_with(text: &str, word: &str) -> Option<usize> {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let has_word = |line: &str| {
        code(line)
            .split(|character| !is_part(character))
            .any(|part| part == word)
    };
    text.lines().position(has_word).map(|index| index + 1)
}

fn first_folder(file: &Path) -> String {
    file.iter().next().unwrap().to_string_lossy().into_owned()
}

#[test]
fn every_file_says_first_what_it_is_for() {
    no_file(|_, text| {
        (!text.starts_with("//! ")).then(|| "the first line is not `//! …`".to_owned())
    });
}

#[test]
fn files_are_short() {
    no_file(|file, text| {
        // A module's tests have a file of their own once they are long.
        if file.file_name().is_some_and(|name| name == "tests.rs") {
            return None;
        }
        let lines = text
            .lines()
            .take_while(|line| line.trim() != "#[cfg(test)]")
            .count();
        (lines > LINES_AT_MOST).then(|| format!("{lines} lines, {LINES_AT_MOST} are the most"))
    });
}

#[test]
fn modules_are_named_by_what_they_do() {
    no_file(|file, _| {
        let stem = file.with_extension("");
        let name = stem
            .iter()
            .find(|part| BANNED_MODULES.contains(&part.to_string_lossy().as_ref()))?;
        Some(format!("`{}` says nothing", name.to_string_lossy()))
    });
}

#[test]
fn unsafe_code_lies_in_the_bpf_crates() {
    no_file(|file, text| {
        if first_folder(file).starts_with("bpf-") {
            return None;
        }
        let permits = |line: &str| {
            code(line).contains("allow(unsafe_code") || code(line).contains("expect(unsafe_code")
        };
        let permit = || text.lines().position(permits).map(|index| index + 1);
        Some(format!(
            "unsafe code in line {}",
            line_with(text, "unsafe").or_else(permit)?
        ))
    });
}

#[test]
fn the_observer_touches_the_kernel_in_one_place() {
    no_file(|file, text| {
        let inside = file.starts_with(KERNEL_MODULE)
            || file == PathBuf::from(KERNEL_MODULE).with_extension("rs");
        if inside || !file.starts_with("observer/src") {
            return None;
        }
        Some(format!(
            "`bpf_loader` in line {}; only {KERNEL_MODULE} may",
            line_with(text, "bpf_loader")?
        ))
    });
}

#[test]
fn words_are_found_in_code_only() {
    let check = |text: &str, expect| assert_eq!(line_with(text, "unsafe"), expect, "{text}");
    check("let a = 1;\nunsafe { f() }", Some(2));
    check("unsafe_code", None);
    check("// unsafe\n\"unsafe\"", None);
    check("f(\"a \\\" unsafe\"); unsafe {}", Some(1));
    check("let url = \"http://x\"; unsafe {}", Some(1));
}
