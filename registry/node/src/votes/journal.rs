//! Tells whether the files that the engine wrote its votes to are as they were written.
//!
//! The engine takes a page whose checksum is wrong for one that a crash tore, and goes on without it. A vote is sent only
//! after its page is on the disk, so after a crash that is right. After damage it would forget a vote that was sent.

use std::fs;
use std::path::{Path, PathBuf};

use commonware_cryptography::Crc32;

/// How the engine names the directories of its epochs' votes.
const PREFIX: &str = "simplex-";
/// Files begin with a page of their own.
const HEADER: usize = 4_096;
const PAGE: usize = 4_096;
/// At the end of each page: twice a length of two bytes and the checksum of so many bytes of the page.
const RECORD: usize = 12;

/// Finds a file of votes that has a page with a wrong checksum.
pub(super) fn find_damaged(engine: &Path) -> std::io::Result<Option<PathBuf>> {
    for epoch in epochs(engine)? {
        for file in fs::read_dir(epoch)? {
            let path = file?.path();
            if !is_whole(&fs::read(&path)?) {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

/// Removes all votes.
pub(super) fn remove(engine: &Path) -> std::io::Result<()> {
    epochs(engine)?.iter().try_for_each(fs::remove_dir_all)
}

/// The directories of the epochs' votes.
fn epochs(engine: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(engine)? {
        let entry = entry?;
        let is_votes = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if is_votes && entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn is_whole(file: &[u8]) -> bool {
    // What is less than a page was never waited for.
    let (pages, _) = file.get(HEADER..).unwrap_or_default().as_chunks::<PAGE>();
    pages.iter().all(is_page_whole)
}

/// Checks the newest of a page's two checksums, the one that covers most.
fn is_page_whole(page: &[u8; PAGE]) -> bool {
    let (data, record) = page.split_at(PAGE - RECORD);
    let slots = record.as_chunks::<6>().0.iter().map(|slot| {
        let [a, b, crc @ ..] = slot;
        (
            usize::from(u16::from_be_bytes([*a, *b])),
            u32::from_be_bytes(*crc),
        )
    });
    let newest = slots.max_by_key(|(length, _)| *length);
    newest.is_some_and(|(length, crc)| {
        let covered = data.get(..length).filter(|covered| !covered.is_empty());
        covered.is_some_and(|covered| Crc32::checksum(covered) == crc)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lengths: [u16; 2]) -> Vec<u8> {
        let mut file = vec![0; HEADER];
        let mut page: Vec<u8> = (0..PAGE - RECORD)
            .map(|index| (index % 251) as u8)
            .collect();
        let data = page.clone();
        for length in lengths {
            let crc = Crc32::checksum(&data[..usize::from(length)]);
            page.extend_from_slice(&length.to_be_bytes());
            page.extend_from_slice(&crc.to_be_bytes());
        }
        file.extend(page);
        file
    }

    #[test]
    fn byte_that_changed_is_found_wherever_the_newest_checksum_covers_it() {
        for lengths in [[4_084, 0], [100, 4_084], [900, 200]] {
            let whole = file(lengths);
            assert!(is_whole(&whole));
            for offset in [0, 99, 199, 899] {
                let mut damaged = whole.clone();
                damaged[HEADER + offset] ^= 1;
                assert!(!is_whole(&damaged), "{lengths:?} at {offset}");
            }
        }
    }

    #[test]
    fn page_of_nothing_is_damaged_and_a_file_without_pages_is_not() {
        assert!(!is_whole(&vec![0; HEADER + PAGE]));
        assert!(is_whole(&vec![0; HEADER]));
        assert!(is_whole(&[]));
        assert!(is_whole(&file([10, 20])[..HEADER + 1_000]));
    }
}
