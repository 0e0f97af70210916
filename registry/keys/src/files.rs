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
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder).map_err(|error| KeysError::file(folder, error))?;
    let temporary = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)?;
    // Makes the rename itself survive a power cut, where the system can.
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
