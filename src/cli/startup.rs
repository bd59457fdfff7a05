//! What those who start the broker wait for: the pid file, systemd's notice, a line on a
//! descriptor; and that it does not outlive them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often it is looked whether the parent is still there.
const PARENT_INTERVAL: Duration = Duration::from_millis(500);

/// The pid file, gone with this value.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
    stays: bool,
}

impl PidFile {
    /// Write it.
    pub(super) fn write(path: &Path, stays: bool) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, format!("{}\n", std::process::id()))?;
        Ok(Self {
            path: path.to_owned(),
            stays,
        })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let own = std::process::id().to_string();
        // Another broker may have taken it over.
        let is_own = fs::read_to_string(&self.path).is_ok_and(|text| text.trim() == own);
        if is_own && !self.stays {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Tell systemd, or whoever set `NOTIFY_SOCKET`.
pub(super) fn notify(state: &str) -> io::Result<()> {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
        return Ok(());
    };
    let socket = UnixDatagram::unbound()?;
    match name.to_str().and_then(|name| name.strip_prefix('@')) {
        Some(abstract_name) => send_abstract(&socket, state, abstract_name)?,
        None => {
            socket.send_to(state.as_bytes(), Path::new(&name))?;
        }
    }
    Ok(())
}

/// Linux has sockets that are no files.
#[cfg(target_os = "linux")]
fn send_abstract(socket: &UnixDatagram, state: &str, name: &str) -> io::Result<()> {
    use std::os::linux::net::SocketAddrExt as _;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
    socket.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(not(target_os = "linux"))]
fn send_abstract(_: &UnixDatagram, _: &str, _: &str) -> io::Result<()> {
    Ok(())
}

/// Write a line to a descriptor this process was given.
pub(super) fn tell(descriptor: u32, line: &str) -> io::Result<()> {
    let because = |error: io::Error| {
        let text = format!("cannot write to descriptor {descriptor}: {error}");
        io::Error::new(error.kind(), text)
    };
    let path = format!("/dev/fd/{descriptor}");
    let mut file: File = OpenOptions::new().write(true).open(path).map_err(because)?;
    writeln!(file, "{line}").map_err(because)
}

/// The process that started this one.
pub(super) fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// Wait until `parent` is no longer the one that started this process.
pub(super) async fn parent_gone(parent: u32) {
    while self::parent() == parent {
        tokio::time::sleep(PARENT_INTERVAL).await;
    }
}
