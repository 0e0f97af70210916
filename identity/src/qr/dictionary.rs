//! Makes the dictionary of an issuer and a type.

use super::cbor::{Item, put, put_text};
use super::context::{CodecContext, HeaderUse};
use super::message::Message;
use super::shrink::Shrinker;

/// Is the length of the longest dictionary made here, in bytes.
const DICTIONARY_MAX: usize = 32 * 1024;
const TEXT_MIN: usize = 6;
const TEXT_MAX: usize = 64;

/// Makes a dictionary from sample VP Tokens of one issuer and type, the most usual kind of presentation last.
///
/// The samples must be of made-up citizens: the texts of their claims end up in the dictionary, which is public. Good
/// samples cover the registered templates, and values that many citizens share, such as the names of districts. The
/// answer is empty if no sample can be written compactly. The dictionary is raw content for zstd (RFC 8878 §5), not a
/// formatted one.
pub fn train_dictionary<S: AsRef<str>>(samples: &[S]) -> Vec<u8> {
    let context = CodecContext::new();
    let (mut texts, mut shapes): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    for sample in samples {
        let mut shrinker = Shrinker::default();
        let message = Message::Presentation(sample.as_ref().to_owned());
        if message
            .shrink_into(&mut shrinker, &context, HeaderUse::Inline)
            .is_none()
        {
            continue;
        }
        let usual = |text: &&String| (TEXT_MIN..=TEXT_MAX).contains(&text.len());
        for text in shrinker.texts.iter().filter(usual) {
            let mut item = Vec::new();
            put_text(&mut item, text);
            add(&mut texts, item);
        }
        let mut shape = Vec::new();
        let length = u64::try_from(shrinker.shape.len()).unwrap_or(u64::MAX);
        put(&mut shape, Item::Unsigned(length));
        shape.extend(shrinker.shape);
        add(&mut shapes, shape);
    }
    let all = [texts.concat(), shapes.concat()].concat();
    all.get(all.len().saturating_sub(DICTIONARY_MAX)..)
        .unwrap_or_default()
        .to_vec()
}

/// Adds an entry at the end, and only there: near entries cost less.
fn add(entries: &mut Vec<Vec<u8>>, entry: Vec<u8>) {
    entries.retain(|known| *known != entry);
    entries.push(entry);
}
