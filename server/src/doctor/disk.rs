//! Permissions and free room on the disk, without writing anything.

use std::path::Path;

/// With less than this the next recordings may not fit.
pub const LEAST_FREE_BYTES: u64 = 1 << 30;

/// Tells whether this user may write a file, or into a folder.
#[cfg(unix)]
pub fn writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Returns how many bytes are free for this user.
#[cfg(unix)]
pub fn free_bytes(path: &Path) -> Option<u64> {
    rustix::fs::statvfs(path).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Tells whether a file or a folder is marked as read-only.
#[cfg(not(unix))]
pub fn writable(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| !data.permissions().readonly())
}

/// This system does not tell without a library of its own.
#[cfg(not(unix))]
pub fn free_bytes(_: &Path) -> Option<u64> {
    None
}
