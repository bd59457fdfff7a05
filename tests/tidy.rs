//! Rules about the tree, as tests: layers, sizes, the clock.

use std::fs;
use std::path::{Path, PathBuf};

const LINES_MAX: usize = 700;

fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(below);
    let mut found = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "{below} has no sources");
    found
}

#[track_caller]
fn knows_nothing_of(below: &str, words: &[&str]) {
    for (path, text) in sources(below) {
        for word in words {
            assert!(!text.contains(word), "{} mentions {word}", path.display());
        }
    }
}

#[test]
fn layers_hold() {
    let clock = ["Instant::now", "SystemTime"];
    knows_nothing_of(
        "proto/src",
        &["tokio", "std::net", "std::fs", clock[0], clock[1]],
    );
    knows_nothing_of(
        "src/broker",
        &[
            "tokio",
            "axum",
            "TcpStream",
            "crate::session",
            "crate::server",
            clock[0],
            clock[1],
        ],
    );
    knows_nothing_of(
        "src/session",
        &[
            "tokio",
            "axum",
            "TcpStream",
            "crate::server",
            clock[0],
            clock[1],
        ],
    );
    knows_nothing_of(
        "src/config",
        &[
            "tokio",
            "crate::session",
            "crate::server",
            "crate::management",
            "crate::cli",
            clock[0],
            clock[1],
        ],
    );
    knows_nothing_of("src/server", &["axum", "crate::management"]);
    knows_nothing_of(
        "src/management",
        &["crate::session", "proto::connection", "proto::outbuf"],
    );
}

#[test]
fn only_one_file_knows_nom() {
    let with_nom = sources("proto/src")
        .into_iter()
        .filter(|(_, text)| text.contains("use nom"));
    assert_eq!(with_nom.count(), 1);
}

#[test]
fn files_are_documented_and_of_readable_size() {
    for (path, text) in sources("src").into_iter().chain(sources("proto/src")) {
        assert!(
            text.starts_with("//!"),
            "{} does not say what it is",
            path.display()
        );
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
    }
}
