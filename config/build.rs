//! How the program is linked.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=config/build.rs");
    println!("cargo::rerun-if-changed=config/startup.ld");
    let is = |name: &str, value: &str| {
        let all = env::var(name).unwrap_or_default();
        all.split(',').any(|one| one == value)
    };
    let is_gnu = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    // At a fixed address nothing has to be relocated at the start: that was a tenth of the memory of an
    // idle broker (9.1 to 8.2 MB). There is no unsafe code of ours to protect by a random address. A
    // static program is linked in its own way.
    if is_gnu && !is("CARGO_CFG_TARGET_FEATURE", "crt-static") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
        // What a start runs stands in one place, so that the rest of the program need not be mapped: 5.9 MB
        // of an idle broker instead of 8. See the file.
        let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{root}/config/startup.ld");
    }
}
