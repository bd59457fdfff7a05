//! The seeds of the fuzz target under `tests/fuzz`, each of them a test; what fuzzing finds is added to them.

use std::fs;
use std::path::Path;

use crate::fuzz_bodies;

#[test]
fn conf_seeds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds/conf");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        let outcome = std::panic::catch_unwind(|| fuzz_bodies::conf(&input));
        assert!(outcome.is_ok(), "{} fails", path.display());
        count += 1;
    }
    assert!(count >= 10, "only {count} seeds");
}
