//! Which texts people can read as they are: names of agencies, of residents, of claims.
//!
//! People decide by what they see, so a text must hold nothing that can't be seen, or that changes how what is around it looks.
//! What that is Unicode's own properties say, of the version that the tables of `icu_properties` have.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointSetData};

/// What a font draws as nothing although Unicode counts it among letters, marks or symbols: a braille pattern without dots, a
/// filler of the Khitan small script, a note without a head, two blanks among hieroglyphs, what stands for an object that is
/// not there.
const BLANK: [char; 6] = [
    '\u{2800}',
    '\u{fffc}',
    '\u{13441}',
    '\u{13442}',
    '\u{16fe4}',
    '\u{1d159}',
];

/// Why a text can't be read as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Illegible {
    /// It holds a character that shows nothing, or that changes how others look: a control or format character, a filler, a tag,
    /// a variation selector, a space other than U+0020, one that Unicode does not define.
    #[error("it holds a character that can't be seen")]
    Unseen,
    /// It shows nothing.
    #[error("there is nothing in it to be seen")]
    Blank,
    /// It begins or ends with a space, or has two in a row, which pages show as one.
    #[error("it has a space at an end or beside another")]
    StraySpace,
    /// It is not in Unicode's normal form C, so that a text that looks the same could have other bytes.
    #[error("it is not in Unicode's normal form C")]
    NotComposed,
}

impl Illegible {
    /// Returns the stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unseen => "text_unseen",
            Self::Blank => "text_blank",
            Self::StraySpace => "text_stray_space",
            Self::NotComposed => "text_not_composed",
        }
    }
}

/// Requires a text that people can read as it is: something in it is seen, nothing in it is unseen, and no other text has the
/// same characters in another form.
///
/// # Errors
/// [`Illegible`], the first of its kinds that applies.
pub fn require_legible(text: &str) -> Result<(), Illegible> {
    // A picture in base64 is a text as well, and long.
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if !plain && text.chars().any(is_unseen) {
        return Err(Illegible::Unseen);
    }
    if !text.chars().any(shows) {
        return Err(Illegible::Blank);
    }
    if text.starts_with(' ') || text.ends_with(' ') || text.contains("  ") {
        return Err(Illegible::StraySpace);
    }
    if !plain && !ComposingNormalizerBorrowed::new_nfc().is_normalized(text) {
        return Err(Illegible::NotComposed);
    }
    Ok(())
}

/// Tells whether a character shows nothing itself, or changes how what is around it looks. The space U+0020 is none of these.
pub fn is_unseen(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    let category = category(character);
    GeneralCategoryGroup::Other.contains(category)
        || GeneralCategoryGroup::Separator.contains(category)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
        || BLANK.contains(&character)
}

/// Brings a text from elsewhere into the form that [`require_legible`] asks for, as far as that changes nothing that is seen:
/// normal form C, every space as U+0020, none at the ends, one between words.
pub fn tidied(text: &str) -> String {
    let spaced: String = text.chars().map(plain_space).collect();
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&spaced);
    let words: Vec<_> = composed
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

/// Leaves out of a text from elsewhere what can't be seen, to show the rest.
pub fn seen_part(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unseen) {
        let seen = text.chars().map(plain_space).filter(|c| !is_unseen(*c));
        return Cow::Owned(seen.collect());
    }
    Cow::Borrowed(text)
}

fn plain_space(character: char) -> char {
    match category(character) {
        GeneralCategory::SpaceSeparator => ' ',
        _ => character,
    }
}

/// Tells whether a character is seen by itself; a combining mark is not.
fn shows(character: char) -> bool {
    let groups = [
        GeneralCategoryGroup::Letter,
        GeneralCategoryGroup::Number,
        GeneralCategoryGroup::Punctuation,
        GeneralCategoryGroup::Symbol,
    ];
    let category = category(character);
    groups.iter().any(|group| group.contains(category))
}

fn category(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}
