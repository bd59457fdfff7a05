//! The file by which the command line finds a running broker on this machine.
//!
//! `rabbitmqctl` asks for no password: whoever may read the node's secret may administer it. Here
//! the secret is a token in a file that only the broker's own user can read. The server writes it
//! with `write` and keeps the returned [`Guard`]; the command line looks it up with [`find`].

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// What a running broker tells the command line of the same user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RuntimeFile {
    /// The node's name, as in `rabbit@host`.
    pub(super) node: String,
    /// The server's process id.
    pub(super) pid: u32,
    /// Where the management API can be reached; loopback unless the server is bound elsewhere.
    #[serde(default = "loopback")]
    pub(super) host: String,
    /// The port of AMQP 0-9-1.
    pub(super) amqp_port: u16,
    /// The port of the management API.
    pub(super) management_port: u16,
    /// The path below which that API is, if any.
    #[serde(default)]
    pub(super) path_prefix: String,
    /// The bearer token that stands for an administrator of everything.
    pub(super) token: String,
}

/// Removes the file when the server ends.
#[derive(Debug)]
pub(super) struct Guard {
    path: PathBuf,
    token: String,
}

/// Writes the file of a server that is ready to answer.
///
/// # Errors
/// When the directory cannot be made, or is one that another user could read or replace.
pub(super) fn write(file: &RuntimeFile) -> io::Result<Guard> {
    write_in(&directory()?, file)
}

/// Finds the broker named `node`, or without a name the one started last.
///
/// # Errors
/// When there is none, or when what is there could have been written by another user.
pub(super) fn find(node: Option<&str>) -> io::Result<RuntimeFile> {
    find_in(&directory()?, node)
}

/// A token nobody can guess: 32 bytes of the system's randomness, in hexadecimal.
///
/// # Errors
/// When the system's random source cannot be read.
pub(super) fn new_token() -> io::Result<String> {
    Ok(random_bytes::<32>()?
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// Of the system's randomness.
///
/// # Errors
/// When the system's random source cannot be read.
pub(super) fn random_bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The directory of these files: `$LEVERET_RUNTIME_DIR`, or `leveret` in `$XDG_RUNTIME_DIR`, or
/// one of the user's own in the directory for temporary files.
///
/// # Errors
/// When the user's id cannot be learned.
pub(super) fn directory() -> io::Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(directory) = set("LEVERET_RUNTIME_DIR") {
        return Ok(directory.into());
    }
    if let Some(directory) = set("XDG_RUNTIME_DIR") {
        return Ok(Path::new(&directory).join("leveret"));
    }
    Ok(PathBuf::from(format!("/tmp/leveret-{}", user_id()?)))
}

/// The name of this machine up to the first dot.
#[must_use]
pub(super) fn short_hostname() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| fs::read_to_string("/etc/hostname"))
        .or_else(|_| std::env::var("HOSTNAME"))
        .unwrap_or_default();
    match name.trim().split('.').next() {
        Some(short) if !short.is_empty() => short.to_owned(),
        _ => "localhost".to_owned(),
    }
}

/// Completes a node name: `rabbit` means `rabbit@<this machine>`.
#[must_use]
pub(super) fn full_node_name(name: &str) -> String {
    if name.contains('@') {
        name.to_owned()
    } else {
        format!("{name}@{}", short_hostname())
    }
}

fn write_in(directory: &Path, file: &RuntimeFile) -> io::Result<Guard> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    check_private(directory, &fs::symlink_metadata(directory)?)?;
    let path = directory.join(file_name(&file.node));
    let temporary = directory.join(format!(".{}.{}", file_name(&file.node), file.pid));
    // A left-over of a server that had the same process id and died while writing.
    let _ = fs::remove_file(&temporary);
    let mut output = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    let written = serde_json::to_string_pretty(file)
        .map_err(io::Error::from)
        .and_then(|text| writeln!(output, "{text}"))
        // A reader sees the old file or the new one, never half of either.
        .and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map(|()| Guard {
        path,
        token: file.token.clone(),
    })
}

fn find_in(directory: &Path, node: Option<&str>) -> io::Result<RuntimeFile> {
    let missing = || {
        let which = node.unwrap_or("any node");
        let why = format!(
            "no running broker left word of {which} in {}",
            directory.display()
        );
        io::Error::new(io::ErrorKind::NotFound, why)
    };
    let about_directory = fs::symlink_metadata(directory).map_err(|_| missing())?;
    check_private(directory, &about_directory)?;
    if let Some(node) = node {
        let path = directory.join(file_name(node));
        return if path.exists() {
            Ok(read(&path)?.1)
        } else {
            Err(missing())
        };
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if name.starts_with("leveret-") && name.ends_with(".json") {
            // One unusable file must not hide the others.
            found.extend(read(&path).ok());
        }
    }
    let live = |(_, file): &(SystemTime, RuntimeFile)| is_running(file.pid);
    found.sort_by_key(|candidate| (live(candidate), candidate.0));
    found.pop().map(|(_, file)| file).ok_or_else(missing)
}

fn read(path: &Path) -> io::Result<(SystemTime, RuntimeFile)> {
    let mut input = File::open(path)?;
    let about = input.metadata()?;
    check_private(path, &about)?;
    let mut text = String::new();
    input.read_to_string(&mut text)?;
    Ok((about.modified()?, serde_json::from_str(&text)?))
}

/// Refuses what another user could have written, or can read: the token is worth that much.
fn check_private(path: &Path, about: &Metadata) -> io::Result<()> {
    let refuse = |why| {
        let text = format!("{} {why}", path.display());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
    };
    if about.file_type().is_symlink() {
        return refuse("is a symbolic link");
    }
    if about.uid() != user_id()? {
        return refuse("belongs to another user");
    }
    if about.mode() & 0o077 != 0 {
        return refuse("can be read or changed by other users (chmod go= would mend it)");
    }
    Ok(())
}

/// Whether a process of that id runs. Where `/proc` is missing every one is taken to.
pub(crate) fn is_running(pid: u32) -> bool {
    if !Path::new("/proc/self").exists() {
        return true;
    }
    // One that has ended stays there as a zombie until its parent asks, which some never do.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    let state = |stat: String| stat.rsplit_once(')')?.1.trim_start().chars().next();
    stat.ok()
        .and_then(state)
        .is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// The effective user, read off what belongs to it: the call itself would need unsafe code.
fn user_id() -> io::Result<u32> {
    let home = || std::env::var_os("HOME").ok_or(io::Error::from(io::ErrorKind::NotFound));
    fs::metadata("/proc/self")
        .or_else(|_| fs::metadata(home()?))
        .map(|about| about.uid())
}

fn file_name(node: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "@._-".contains(c);
    let node: String = node
        .chars()
        .map(|c| if safe(c) { c } else { '_' })
        .collect();
    format!("leveret-{node}.json")
}

fn loopback() -> String {
    "127.0.0.1".to_owned()
}

impl Drop for Guard {
    fn drop(&mut self) {
        // A later server of the same name may have taken the file over.
        if read(&self.path).is_ok_and(|(_, file)| file.token == self.token) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A directory of the test's own, gone with it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn file(node: &str, token: &str) -> RuntimeFile {
        RuntimeFile {
            node: node.to_owned(),
            pid: std::process::id(),
            host: loopback(),
            amqp_port: 5672,
            management_port: 15672,
            path_prefix: String::new(),
            token: token.to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_found_until_the_guard_goes() {
        let scratch = Scratch::new("leveret-runtime-roundtrip");
        let written = file("rabbit@here", "t");
        let guard = write_in(&scratch.0, &written).unwrap();
        let mode = fs::metadata(&guard.path).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(find_in(&scratch.0, None).unwrap(), written);
        assert_eq!(find_in(&scratch.0, Some("rabbit@here")).unwrap(), written);
        assert!(find_in(&scratch.0, Some("rabbit@there")).is_err());
        drop(guard);
        assert!(find_in(&scratch.0, None).is_err());
    }

    #[test]
    fn the_live_one_is_preferred() {
        let scratch = Scratch::new("leveret-runtime-live");
        let live = write_in(&scratch.0, &file("a@here", "live")).unwrap();
        let dead = RuntimeFile {
            pid: u32::MAX,
            ..file("b@here", "dead")
        };
        let _dead = write_in(&scratch.0, &dead).unwrap();
        assert_eq!(find_in(&scratch.0, None).unwrap().token, "live");
        drop(live);
        assert_eq!(find_in(&scratch.0, None).unwrap().token, "dead");
    }

    #[test]
    fn a_guard_leaves_the_file_of_its_successor() {
        let scratch = Scratch::new("leveret-runtime-successor");
        let first = write_in(&scratch.0, &file("a@here", "first")).unwrap();
        let _second = write_in(&scratch.0, &file("a@here", "second")).unwrap();
        drop(first);
        assert_eq!(find_in(&scratch.0, Some("a@here")).unwrap().token, "second");
    }

    #[test]
    fn what_others_can_read_is_refused() {
        let scratch = Scratch::new("leveret-runtime-open");
        let guard = write_in(&scratch.0, &file("a@here", "t")).unwrap();
        fs::set_permissions(&guard.path, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = find_in(&scratch.0, Some("a@here")).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        fs::set_permissions(&guard.path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(find_in(&scratch.0, Some("a@here")).is_err());
        assert!(write_in(&scratch.0, &file("a@here", "t")).is_err());
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn tokens_differ() {
        let token = new_token().unwrap();
        assert_eq!(token.len(), 64);
        assert_ne!(token, new_token().unwrap());
    }

    #[test]
    fn node_names_are_completed_and_made_safe_for_a_file() {
        assert!(full_node_name("rabbit").starts_with("rabbit@"));
        assert_eq!(full_node_name("a@b"), "a@b");
        assert_eq!(file_name("../x@y"), "leveret-.._x@y.json");
    }
}
