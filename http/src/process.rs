//! What a program that holds keys does before all else.

use std::io;
use std::path::Path;

/// Keeps the memory of this process out of core dumps and other programs' reach, and gives every file that it makes from
/// here on to its owner alone (0600, folders 0700).
///
/// # Errors
///
/// When the system refuses: a program with keys should not go on then.
#[cfg(unix)]
pub fn protect_process() -> io::Result<()> {
    use rustix::fs::Mode;
    use rustix::process::{Resource, Rlimit, setrlimit, umask};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    // The limit alone does not bind a system that pipes cores into a program.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    umask(Mode::RWXG | Mode::RWXO);
    Ok(())
}

/// Does nothing: the system writes no cores.
#[cfg(not(unix))]
pub fn protect_process() -> io::Result<()> {
    Ok(())
}

/// Makes the SQLite database at `path` its owner's alone (0600), with the files that belong to it: one that an older
/// release made is narrowed, a new one is made so that SQLite gives its other files the same mode.
pub fn keep_private(path: &Path) -> io::Result<()> {
    open_or_make(path)?;
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        narrow(Path::new(&name))?;
    }
    Ok(())
}

fn open_or_make(path: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[cfg(unix)]
fn narrow(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let owner = std::fs::Permissions::from_mode(0o600);
    match std::fs::set_permissions(path, owner) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(not(unix))]
fn narrow(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn protected_process_leaves_no_core_and_makes_private_files() {
        protect_process().unwrap();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        let dumpable = dumpable_behavior().unwrap();
        assert!(matches!(dumpable, DumpableBehavior::NotDumpable));
        let folder = tempfile::tempdir().unwrap();
        let (file, inner) = (folder.path().join("file"), folder.path().join("folder"));
        std::fs::write(&file, "x").unwrap();
        std::fs::create_dir(&inner).unwrap();
        assert_eq!((mode(&file), mode(&inner)), (0o600, 0o700));
    }

    #[test]
    fn database_of_an_older_release_is_narrowed_to_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let (old, log) = (
            folder.path().join("old.db"),
            folder.path().join("old.db-wal"),
        );
        for path in [&old, &log] {
            std::fs::write(path, "kept").unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        let new = folder.path().join("new.db");
        for path in [&old, &new] {
            keep_private(path).unwrap();
        }
        assert_eq!([mode(&old), mode(&log), mode(&new)], [0o600; 3]);
        assert_eq!(std::fs::read(&old).unwrap(), b"kept");
    }
}
