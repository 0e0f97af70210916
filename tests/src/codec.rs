use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::http::Http;

/// Reads and writes presentations as QR texts, as a counter or a wallet does.
pub struct Codec {}

impl Codec {
    /// Knows no issuer: everything is written in full.
    pub fn plain() -> Self {
        Self {}
    }

    /// Knows the dictionaries that an issuer publishes.
    pub fn of_issuer(_http: &Http, _issuer: &str) -> Result<Self> {
        Ok(Self {})
    }

    /// Decodes QR texts to the `vp_token` (JSON) they carry.
    pub fn decode_presentation(&self, _texts: &[String]) -> Result<String> {
        bail!("not yet")
    }

    /// Encodes a `vp_token` (JSON) to QR texts.
    pub fn encode_presentation(&self, _vp_token: &str) -> Result<Vec<String>> {
        bail!("not yet")
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
