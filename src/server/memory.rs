//! How much memory there is, and how much this process uses: asked of the system.

use std::fs;
use std::path::Path;

const PAGE_BYTES: u64 = 4096;

/// Memory of the machine or of the container, whichever is less; `None` where the system does not
/// tell.
pub fn machine_bytes() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let total = total_bytes(&meminfo)?;
    let container = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let limits = container.iter().filter_map(|path| number(Path::new(path)));
    Some(limits.fold(total, u64::min))
}

/// Resident memory of this process; 0 where the system does not tell.
pub fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE_BYTES
}

/// Open files and sockets of this process; 0 where the system does not tell.
pub fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// How many there may be; 0 where the system does not tell.
pub fn descriptors_max() -> u64 {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    soft.unwrap_or(0)
}

/// What is left for messages: they are in memory, so that is the disk of this broker.
pub fn free_bytes() -> u64 {
    machine_bytes()
        .unwrap_or(0)
        .saturating_sub(resident_bytes())
}

/// A share of the machine's memory, as `vm_memory_high_watermark` counts it; no limit where the
/// machine's memory is unknown.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of memory: bytes more or less do not matter"
)]
pub fn share_bytes(fraction: f64) -> u64 {
    machine_bytes().map_or(u64::MAX, |all| (all as f64 * fraction.max(0.0)) as u64)
}

fn total_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    kib.checked_mul(1024)
}

/// A container without a limit says `max`.
fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_memory_is_told_in_kibibytes() {
        let text = "MemTotal:       24684084 kB\nMemFree:         1000 kB\n";
        assert_eq!(total_bytes(text), Some(24_684_084 * 1024));
        assert_eq!(total_bytes("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn a_share_of_nothing_is_nothing() {
        assert_eq!(share_bytes(0.0), machine_bytes().map_or(u64::MAX, |_| 0));
    }
}
