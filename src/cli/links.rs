//! `leveret install-links`: gives this program the names that scripts call RabbitMQ's tools by.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::failure::{EX_SOFTWARE, EX_USAGE};
use super::output::{print, print_error};

/// The names this program answers to besides its own.
const NAMES: [&str; 7] = [
    "rabbitmq-server",
    "rabbitmqctl",
    "rabbitmq-diagnostics",
    "rabbitmq-queues",
    "rabbitmq-plugins",
    "rabbitmq-upgrade",
    "rabbitmqadmin",
];

/// Links every name in the directory that `arguments` names; returns the exit code.
pub(super) fn run(arguments: &[String]) -> u8 {
    let [directory] = arguments else {
        print_error("Usage: leveret install-links DIR\n");
        return EX_USAGE;
    };
    if directory.starts_with('-') {
        print(&format!(
            "Usage: leveret install-links DIR\n\nLinks {} in DIR to this program.\n",
            NAMES.join(", ")
        ));
        return if directory == "--help" || directory == "-h" {
            0
        } else {
            EX_USAGE
        };
    }
    // While an image is made there is no /proc to learn it from.
    let called = std::env::args_os().next().unwrap_or_default();
    let installed = std::env::current_exe()
        .or_else(|_| std::path::absolute(called))
        .and_then(fs::canonicalize)
        .and_then(|program| install(&program, Path::new(directory)));
    match installed {
        Ok(()) => 0,
        Err(error) => {
            print_error(&format!("leveret: {directory}: {error}\n"));
            EX_SOFTWARE
        }
    }
}

fn install(program: &Path, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for name in NAMES {
        let link = directory.join(name);
        match fs::read_link(&link) {
            Ok(target) if target == program => {}
            // A link of an earlier build may go; a program of the same name may not.
            Ok(target) if is_ours(&target, program) => {
                fs::remove_file(&link)?;
                symlink(program, &link)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => symlink(program, &link)?,
            _ => {
                let text = format!("{name} is there already, and is not Leveret");
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
            }
        }
        print(&format!("{} -> {}\n", link.display(), program.display()));
    }
    Ok(())
}

fn is_ours(target: &Path, program: &Path) -> bool {
    target.file_name() == program.file_name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_made_once_and_nothing_else_is_overwritten() {
        let directory = std::env::temp_dir().join(format!("leveret-links-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        let old = Path::new("/old/leveret");
        let new = Path::new("/new/leveret");
        install(old, &directory).unwrap();
        install(new, &directory).unwrap();
        install(new, &directory).unwrap();
        assert_eq!(fs::read_link(directory.join("rabbitmqctl")).unwrap(), new);
        fs::remove_file(directory.join("rabbitmqctl")).unwrap();
        fs::write(directory.join("rabbitmqctl"), "the real one").unwrap();
        assert!(install(new, &directory).is_err());
        fs::remove_dir_all(&directory).unwrap();
    }
}
