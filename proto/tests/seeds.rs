//! The seeds of the fuzz targets, each of them a test; what fuzzing finds is added to them.

use std::fs;
use std::path::Path;

use crate::fuzz_bodies::{connection_ops, frame, table};

#[track_caller]
fn each(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        let outcome = std::panic::catch_unwind(|| run(&input));
        assert!(outcome.is_ok(), "{} fails", path.display());
        count += 1;
    }
    assert!(count >= 10, "only {count} seeds for {target}");
}

#[test]
fn frame_seeds() {
    each("frame", frame::run);
}

#[test]
fn table_seeds() {
    each("table", table::run);
}

#[test]
fn connection_ops_seeds() {
    each("connection_ops", connection_ops::run);
}
