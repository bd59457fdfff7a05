//! What those who start the broker wait for: the pid file, systemd's notice, a line on a
//! descriptor; and that it does not outlive them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Config;
use crate::management::PLUGINS;

/// How often it is looked whether the parent is still there.
const PARENT_INTERVAL: Duration = Duration::from_millis(500);

/// What plugins bring with them.
const BROUGHT: [(&str, &[&str]); 8] = [
    (
        "rabbitmq_federation_management",
        &["rabbitmq_federation", "rabbitmq_management"],
    ),
    (
        "rabbitmq_shovel_management",
        &["rabbitmq_shovel", "rabbitmq_management"],
    ),
    (
        "rabbitmq_stream_management",
        &["rabbitmq_stream", "rabbitmq_management"],
    ),
    ("rabbitmq_tracing", &["rabbitmq_management"]),
    ("rabbitmq_top", &["rabbitmq_management"]),
    (
        "rabbitmq_management",
        &["rabbitmq_management_agent", "rabbitmq_web_dispatch"],
    ),
    (
        "rabbitmq_prometheus",
        &["rabbitmq_management_agent", "rabbitmq_web_dispatch"],
    ),
    ("rabbitmq_stream", &["rabbitmq_stream_common"]),
];

/// The plugins that are started, as the log names them: those that were named with what they
/// bring, or those whose work is built in.
pub(super) fn plugins(config: &Config) -> Vec<String> {
    let Some(named) = &config.plugins else {
        return PLUGINS.map(str::to_owned).into();
    };
    let mut all = named.clone();
    for (plugin, more) in BROUGHT {
        if all.iter().any(|there| there == plugin) {
            for one in more {
                if !all.iter().any(|there| there == one) {
                    all.push((*one).to_owned());
                }
            }
        }
    }
    all
}

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
