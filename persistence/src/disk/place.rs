//! How a file that was made under a temporary name gets its own.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Makes the file at `partial` durable, and then visible at `to`, where nothing may be yet. A cut in
/// the middle leaves it under either name, or under both.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where something came to be at `to` meanwhile, which is left as it
/// is; and what the disk says.
pub(crate) fn place_new(partial: &Path, to: &Path) -> io::Result<()> {
    File::open(partial)?.sync_all()?;
    // A link never replaces a file that came to be in the meantime; a rename would.
    match fs::hard_link(partial, to) {
        Ok(()) => fs::remove_file(partial)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // Not every file system knows links.
        Err(_) => fs::rename(partial, to)?,
    }
    let folder = to.parent();
    let folder = folder.filter(|parent| !parent.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a new and empty file that takes the place of one which somebody else made meanwhile.
    #[test]
    fn what_came_to_be_in_the_meantime_is_never_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let (partial, to) = (folder.path().join("new"), folder.path().join("name"));
        fs::write(&partial, "first").expect("a file");
        place_new(&partial, &to).expect("nothing is there");
        assert!(!partial.exists());
        fs::write(&partial, "second").expect("a file");
        let refused = place_new(&partial, &to).expect_err("something is there");
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&to).expect("a file"), "first");
    }
}
