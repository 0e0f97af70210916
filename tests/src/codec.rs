use std::path::Path;

use anyhow::{Context, Result, bail};
use jumin_identity::{
    Assembler, CodecContext, Message, Progress, builtin_types, encode_presentation,
};

use crate::http::Http;

/// Reads and writes presentations as QR texts, as a counter or a wallet does.
pub struct Codec {
    context: CodecContext,
}

impl Codec {
    /// Knows no issuer: everything is written in full.
    pub fn plain() -> Self {
        Self {
            context: CodecContext::default(),
        }
    }

    /// Knows some dictionaries.
    pub fn with_dictionaries(dictionaries: &[Vec<u8>]) -> Result<Self> {
        let mut context = CodecContext::default();
        for dictionary in dictionaries {
            context.add_dictionary(dictionary.clone())?;
        }
        Ok(Self { context })
    }

    /// Knows the dictionaries that an issuer publishes for the built-in types.
    pub fn of_issuer(http: &Http, issuer: &str) -> Result<Self> {
        let mut dictionaries = Vec::new();
        for credential_type in builtin_types() {
            let vct: String =
                url::form_urlencoded::byte_serialize(credential_type.vct().as_bytes()).collect();
            let answer = http.get(&format!("{issuer}/dictionaries/{vct}"), &[])?;
            if answer.status == 200 {
                dictionaries.push(answer.body);
            }
        }
        Self::with_dictionaries(&dictionaries)
    }

    /// Decodes QR texts to the `vp_token` (JSON) they carry.
    pub fn decode_presentation(&self, texts: &[String]) -> Result<String> {
        let mut assembler = Assembler::new();
        for text in texts {
            if let Progress::Complete(message) = assembler.push(text, &self.context)? {
                return match message {
                    Message::Presentation(vp_token) => Ok(vp_token),
                    Message::Request(_) => bail!("a request, not a presentation"),
                };
            }
        }
        bail!("{} frames are not enough", texts.len())
    }

    /// Encodes a `vp_token` (JSON) to QR texts.
    pub fn encode_presentation(&self, vp_token: &str) -> Result<Vec<String>> {
        let frames = encode_presentation(vp_token, &self.context)?;
        Ok(frames.iter().map(|frame| frame.text().to_owned()).collect())
    }
}
/// Reads all QR codes in a picture.
pub fn read_qr(picture: &Path) -> Result<Vec<String>> {
    let image = image::open(picture)
        .with_context(|| picture.display().to_string())?
        .into_luma8();
    let (width, height) = image.dimensions();
    let found = rxing::helpers::detect_multiple_in_luma(image.into_raw(), width, height)?;
    if found.is_empty() {
        bail!("{}: no QR code", picture.display());
    }
    Ok(found
        .iter()
        .map(|result| result.getText().to_owned())
        .collect())
}
