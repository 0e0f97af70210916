//! The wallet's folder: private files, written whole or not at all, for one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Is the folder a wallet lives in.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

/// Keeps other processes out of a wallet's folder until it is dropped.
#[derive(Debug)]
pub(crate) struct HomeLock(#[allow(dead_code)] File);

impl Home {
    /// Names a folder; nothing is touched yet.
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.file(name).exists()
    }

    /// Makes the folder, readable by its owner alone.
    pub(crate) fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        private(&self.0, 0o700)
    }

    /// Takes the folder for this process; `None` if another process has it.
    pub(crate) fn lock(&self) -> io::Result<Option<HomeLock>> {
        let file = open_private(&self.file("wallet.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(HomeLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Reads a small file of the wallet, at most `max` bytes.
    pub(crate) fn read(&self, name: &str, max: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        File::open(self.file(name))?
            .take(max + 1)
            .read_to_end(&mut out)?;
        if out.len() as u64 > max {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the file is too large",
            ));
        }
        Ok(out)
    }

    /// Replaces a file so that after a crash either the old or the new content is there.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        write_private(&self.file(name), content)
    }

    /// Makes an empty private file that must not exist yet.
    pub(crate) fn make_empty(&self, name: &str) -> io::Result<()> {
        let path = self.file(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        with_private_mode(&mut options).open(&path)?.sync_all()
    }

    /// Removes a file; a missing one is as good as removed.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.file(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Writes a file that only its owner can read, by a synced temporary file beside it.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let temporary = folder.join(format!(
        ".{}.{}.new",
        name.to_string_lossy(),
        std::process::id()
    ));
    let mut file = open_private(&temporary)?;
    file.set_len(0)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_folder(folder)
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = with_private_mode(&mut options).open(path)?;
    private(path, 0o600)?;
    Ok(file)
}

#[cfg(unix)]
fn with_private_mode(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn with_private_mode(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn private(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

/// On Windows a profile's folders are private to their user already.
#[cfg(not(unix))]
fn private(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
