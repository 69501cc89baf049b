//! What the machine says of itself: free space, memory, bytes written.
//!
//! The figures come from the system's own counts. Where it keeps none, there is no figure.

use std::fs;
use std::io;
use std::path::Path;

/// The bytes that may still be written under `folder`.
pub(crate) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Whether `folder` lies in memory, where a sync costs nothing and no figure of it means anything.
#[cfg(target_os = "linux")]
pub(crate) fn is_in_memory(folder: &Path) -> bool {
    const TMPFS_MAGIC: i64 = 0x0102_1994;
    // The number's type differs between architectures.
    rustix::fs::statfs(folder).is_ok_and(|disk| i128::from(disk.f_type) == i128::from(TMPFS_MAGIC))
}

/// Whether `folder` lies in memory: not known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_in_memory(_: &Path) -> bool {
    false
}

/// The most memory that this process has had at a time, in bytes.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    count(&status, "VmHWM:").map(|kib| kib * 1024)
}

/// The memory that this process has now, in bytes.
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    count(&status, "VmRSS:").map(|kib| kib * 1024)
}

/// The bytes that this process has sent towards a disk since it began.
pub(crate) fn device_bytes_written() -> Option<u64> {
    let io = fs::read_to_string("/proc/self/io").ok()?;
    count(&io, "write_bytes:")
}

/// The number after `name` at the beginning of a line.
fn count(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: reading another line, or the unit for the number.
    #[test]
    fn counts_are_read_from_their_own_lines() {
        let status = "VmPeak:\t  900 kB\nVmHWM:\t   123 kB\n";
        assert_eq!(count(status, "VmHWM:"), Some(123));
        let io = "wchar: 7\ncancelled_write_bytes: 1\nwrite_bytes: 4096\n";
        assert_eq!(count(io, "write_bytes:"), Some(4_096));
        assert_eq!(count("VmHWM:\tmuch\n", "VmHWM:"), None);
        assert_eq!(count("", "VmHWM:"), None);
    }
}
