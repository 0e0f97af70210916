//! What the citizen likes, in the clear beside the wallet: nothing in it is personal, and it is needed while locked.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::dto::{Language, Preferences, Theme};

const FILE: &str = "preferences.json";
const MAX_BYTES: u64 = 4 * 1024;
const LOCK_MINUTES: [u32; 4] = [1, 5, 15, 30];
const LOCK_DEFAULT: u32 = 5;

/// Reads the preferences; a missing or damaged file gives the defaults.
pub(crate) fn read(home: &Path) -> Preferences {
    let read = || -> Option<Preferences> {
        let mut text = Vec::new();
        let file = File::open(home.join(FILE)).ok()?;
        file.take(MAX_BYTES + 1).read_to_end(&mut text).ok()?;
        (text.len() as u64 <= MAX_BYTES).then_some(())?;
        serde_json::from_slice(&text).ok()
    };
    settled(read().unwrap_or(Preferences {
        language: None,
        theme: Theme::System,
        lock_minutes: LOCK_DEFAULT,
    }))
}

/// Writes the preferences and returns them as they hold from now on.
pub(crate) fn write(home: &Path, preferences: Preferences) -> io::Result<Preferences> {
    let preferences = settled(preferences);
    let text = serde_json::to_vec_pretty(&preferences)?;
    replace(&home.join(FILE), &text)?;
    Ok(preferences)
}

/// Fills in what is open and puts right what can't be.
fn settled(mut preferences: Preferences) -> Preferences {
    if !LOCK_MINUTES.contains(&preferences.lock_minutes) {
        preferences.lock_minutes = LOCK_DEFAULT;
    }
    preferences.language.get_or_insert_with(|| {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        language_of(["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set))
    });
    preferences
}

/// Speaks Korean unless the environment asks for English.
fn language_of(locale: Option<String>) -> Language {
    match locale {
        Some(locale) if locale.starts_with("en") => Language::En,
        _ => Language::Ko,
    }
}

/// Replaces a file of the wallet's folder so that after a crash either the old or the new content is there.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_private(folder)?;
    let mut temporary: PathBuf = path.to_owned();
    temporary.set_extension(format!("{}.new", std::process::id()));
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

/// Makes a missing folder, for its owner alone.
fn make_private(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_come_back_as_they_were_written() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().join("wallet");
        let wanted = Preferences {
            language: Some(Language::En),
            theme: Theme::Dark,
            lock_minutes: 15,
        };
        assert_eq!(write(&home, wanted.clone()).unwrap(), wanted);
        assert_eq!(read(&home), wanted);
    }

    #[test]
    fn damaged_or_oversized_file_gives_the_defaults() {
        let home = tempfile::tempdir().unwrap();
        let oversized = format!("{{\"language\":\"en\"}}{}", " ".repeat(5000));
        for text in [
            "",
            "{",
            "[1]",
            "{\"theme\":\"pink\",\"lock_minutes\":1}",
            &oversized,
        ] {
            fs::write(home.path().join(FILE), text).unwrap();
            let read = read(home.path());
            assert_eq!(
                (read.theme, read.lock_minutes),
                (Theme::System, 5),
                "{text:.20}"
            );
        }
    }

    #[test]
    fn lock_time_that_is_not_offered_becomes_the_default() {
        let home = tempfile::tempdir().unwrap();
        for minutes in [0, 2, 31, u32::MAX] {
            let asked = Preferences {
                language: Some(Language::Ko),
                theme: Theme::Light,
                lock_minutes: minutes,
            };
            assert_eq!(write(home.path(), asked).unwrap().lock_minutes, 5);
        }
    }

    #[test]
    fn korean_comes_first() {
        assert_eq!(language_of(None), Language::Ko);
        assert_eq!(language_of(Some("C.UTF-8".into())), Language::Ko);
        assert_eq!(language_of(Some("ko_KR.UTF-8".into())), Language::Ko);
        assert_eq!(language_of(Some("en_US.UTF-8".into())), Language::En);
    }
}
