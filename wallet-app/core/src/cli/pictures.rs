//! Texts that may be pictures, and codes that become pictures.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use jumin_wallet_core::{draw_code, read_code};

use super::failure::Failure;

const PICTURE_MAX: u64 = 16 * 1024 * 1024;
const PATH_MAX: usize = 4096;

/// Takes a text as it is, or the QR code of the picture that it names, or standard input for `-`.
pub(super) fn text_or_picture(argument: &str) -> Result<String, Failure> {
    if argument == "-" {
        return text_of(std::io::stdin(), argument);
    }
    let path = Path::new(argument);
    if argument.len() > PATH_MAX || !path.is_file() {
        return match names_picture(path) {
            true => Err(unreadable(argument, &std::io::ErrorKind::NotFound.into())),
            false => Ok(argument.to_owned()),
        };
    }
    text_of(
        File::open(path).map_err(|e| unreadable(argument, &e))?,
        argument,
    )
}

fn names_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["png", "jpg", "jpeg"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

/// Reads text, or the QR code in a picture.
fn text_of(source: impl Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    source
        .take(PICTURE_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(name, &error))?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(_) => Ok(read_code(&bytes)?),
    }
}

/// Checks, before a copy is used up, that a picture could be written there.
pub(super) fn require_writable(out: &Path) -> Result<(), Failure> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder.is_none_or(Path::is_dir) && !out.is_dir() && out.file_name().is_some() {
        true => Ok(()),
        false => Err(unwritable(out, "there is no such folder")),
    }
}

/// Draws each code into a PNG of its own, readable by its owner alone; returns the files.
pub(super) fn write_codes(frames: &[String], out: &Path) -> Result<Vec<PathBuf>, Failure> {
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    let extension = out.extension().unwrap_or("png".as_ref()).to_string_lossy();
    let mut files = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        let file = match frames {
            [_] => out.to_owned(),
            _ => out.with_file_name(format!("{stem}-{:02}.{extension}", index + 1)),
        };
        write_private(&file, &draw_code(frame)?)
            .map_err(|error| unwritable(&file, &error.to_string()))?;
        files.push(file);
    }
    Ok(files)
}

fn write_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(bytes)
}

/// Reads a settings file given on the command line.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| unreadable(&path.display().to_string(), &error))
}

fn unreadable(name: &str, error: &std::io::Error) -> Failure {
    Failure::new("file_unreadable", format!("{name}: {error}"))
}

fn unwritable(file: &Path, why: &str) -> Failure {
    Failure::new("out_unwritable", format!("{}: {why}", file.display()))
}
