//! `leveret install-links DIR`: the names that scripts call.

use std::path::Path;
use std::process::ExitCode;

use super::TOOLS;
use super::output::{complain, say};

/// Make links to this binary under RabbitMQ's names in `directory`.
pub(super) fn install(directory: Option<&String>) -> ExitCode {
    let Some(directory) = directory else {
        complain("usage: leveret install-links DIRECTORY");
        return ExitCode::from(64);
    };
    match link_all(Path::new(directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("cannot make links in {directory}: {error}"));
            ExitCode::from(73)
        }
    }
}

fn link_all(directory: &Path) -> std::io::Result<()> {
    let binary = std::env::current_exe()?;
    std::fs::create_dir_all(directory)?;
    for name in TOOLS.iter().chain(&["rabbitmq-server", "leveret"]) {
        let link = directory.join(name);
        if link
            .symlink_metadata()
            .is_ok_and(|there| there.is_symlink())
        {
            std::fs::remove_file(&link)?;
        }
        std::os::unix::fs::symlink(&binary, &link)?;
        say(&format!("{} -> {}", link.display(), binary.display()));
    }
    Ok(())
}
