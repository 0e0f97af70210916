//! Private files: written whole or not at all, for their owner only.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use jumin_identity::FileKey;
use zeroize::Zeroizing;

use crate::KeysError;

const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Reads a text file of at most 64 KiB, if it is there.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, KeysError> {
    let failed = |error| KeysError::file(path, error);
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    match text.len() as u64 > MAX_FILE_BYTES {
        true => Err(KeysError::Content(path.to_owned())),
        false => Ok(Some(text)),
    }
}

/// Reads a key, if its file is there.
pub(crate) fn read_key(path: &Path) -> Result<Option<FileKey>, KeysError> {
    let Some(pem) = read(path)? else {
        return Ok(None);
    };
    let key = FileKey::from_pkcs8_pem(&pem).map_err(|source| KeysError::Key {
        path: path.to_owned(),
        source,
    })?;
    Ok(Some(key))
}

/// Writes a file, in place of one that is there, and waits until it is on the disk.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), KeysError> {
    let failed = |error| KeysError::file(path, error);
    // A bare file name has a parent, which is empty.
    let named = path.parent().filter(|parent| *parent != Path::new(""));
    let folder = named.unwrap_or(Path::new("."));
    make_folder(folder).map_err(|error| KeysError::file(folder, error))?;
    let temporary = path.with_extension("new");
    // What a killed command left there may be open to others, and is never written into.
    if let Err(error) = fs::remove_file(&temporary)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(failed(error));
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)?;
    // The rename itself has to survive a power cut; other systems than Unix don't open folders.
    #[cfg(unix)]
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| KeysError::file(folder, error))?;
    Ok(())
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn file_that_a_killed_command_left_open_to_others_is_not_written_into() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let (path, left) = (folder.path().join("key.pem"), folder.path().join("key.new"));
        fs::write(&left, "half").unwrap();
        fs::set_permissions(&left, fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, b"whole").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert!(!left.exists());
    }
}
