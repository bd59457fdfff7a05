//! Processor time that processes have taken.

use std::fs;
use std::io;

/// USER_HZ, which Linux has fixed at 100 for what /proc shows.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn cpu_seconds(pids: &[u32]) -> io::Result<f64> {
    pids.iter().map(|pid| stat_cpu(&pid.to_string())).sum()
}

pub(super) fn own_cpu_seconds() -> io::Result<f64> {
    stat_cpu("self")
}

/// utime + stime of a process with all its threads. The name, in parentheses, may contain anything.
fn stat_cpu(pid: &str) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse::<u64>().ok());
    Ok(ticks.sum::<u64>() as f64 / TICKS_PER_SECOND)
}
