use std::io::Cursor;

use image::{GrayImage, ImageFormat, ImageReader, Limits, Luma};
use qrcode::{Color, EcLevel, QrCode};
use rxing::BarcodeFormat;

/// Largest picture accepted, in bytes.
pub const MAX_PICTURE_BYTES: usize = 8 * 1024 * 1024;
/// Longest side accepted, in pixels.
const MAX_SIDE: u32 = 6_000;
/// Most memory a picture may take when decoded, in bytes.
const MAX_DECODED_BYTES: u64 = 128 * 1024 * 1024;
/// Pixels per module of a drawn code.
const MODULE_PIXELS: u32 = 6;
/// Modules of white around a code (ISO/IEC 18004 §6.3.8).
const QUIET_ZONE: u32 = 4;

/// Says why a picture could not be read or drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// More than 8 MiB, or more pixels than allowed.
    #[error("the picture is too large")]
    TooLarge,
    /// Neither PNG nor JPEG.
    #[error("the picture is neither PNG nor JPEG")]
    Unsupported,
    /// A damaged picture.
    #[error("the picture cannot be read")]
    Damaged(#[source] image::ImageError),
    /// No QR code was found.
    #[error("there is no readable QR code in the picture")]
    NoCode,
    /// The text does not fit into a code.
    #[error("the text does not fit into a QR code")]
    Draw(#[source] qrcode::types::QrError),
    /// The drawn code could not be written as PNG.
    #[error("the QR code cannot be written")]
    Write(#[source] image::ImageError),
}

impl PictureError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            PictureError::TooLarge => "picture_too_large",
            PictureError::Unsupported => "picture_unsupported",
            PictureError::Damaged(_) => "picture_damaged",
            PictureError::NoCode => "picture_without_code",
            PictureError::Draw(_) => "qr_too_large",
            PictureError::Write(_) => "qr_not_written",
        }
    }
}

/// Tells whether bytes begin like a picture that this counter reads.
pub fn is_picture(bytes: &[u8]) -> bool {
    format_of(bytes).is_some()
}

/// Returns the text of the QR code in a PNG or JPEG picture (at most 8 MiB and 6,000 pixels a
/// side).
pub fn read_code(bytes: &[u8]) -> Result<String, PictureError> {
    let gray = decode(bytes)?;
    let (width, height) = gray.dimensions();
    let found = rxing::helpers::detect_in_luma(
        gray.into_raw(),
        width,
        height,
        Some(BarcodeFormat::QR_CODE),
    )
    .map_err(|_| PictureError::NoCode)?;
    Ok(found.getText().to_owned())
}

/// Draws one frame as a PNG.
pub fn draw_code(text: &str) -> Result<Vec<u8>, PictureError> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L)
        .map_err(PictureError::Draw)?;
    let modules = u32::try_from(code.width()).unwrap_or(0);
    let side = (modules + 2 * QUIET_ZONE) * MODULE_PIXELS;
    let colors = code.into_colors();
    let dark = |x: u32, y: u32| {
        let (x, y) = (x.checked_sub(QUIET_ZONE)?, y.checked_sub(QUIET_ZONE)?);
        let inside = x < modules && y < modules;
        let index = usize::try_from(y * modules + x).ok()?;
        inside.then(|| colors.get(index).copied() == Some(Color::Dark))
    };
    let picture = GrayImage::from_fn(side, side, |x, y| {
        let is_dark = dark(x / MODULE_PIXELS, y / MODULE_PIXELS).unwrap_or(false);
        Luma([if is_dark { 0 } else { 255 }])
    });
    let mut png = Cursor::new(Vec::new());
    picture
        .write_to(&mut png, ImageFormat::Png)
        .map_err(PictureError::Write)?;
    Ok(png.into_inner())
}

fn decode(bytes: &[u8]) -> Result<GrayImage, PictureError> {
    if bytes.len() > MAX_PICTURE_BYTES {
        return Err(PictureError::TooLarge);
    }
    let format = format_of(bytes).ok_or(PictureError::Unsupported)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    match reader.decode() {
        Ok(picture) => Ok(picture.into_luma8()),
        Err(image::ImageError::Limits(_)) => Err(PictureError::TooLarge),
        Err(error) => Err(PictureError::Damaged(error)),
    }
}

fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(ImageFormat::Png)
    } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        Some(ImageFormat::Jpeg)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_code_reads_back_as_the_same_text() {
        for length in [20, 400, 1400] {
            let text: String = "JM1:%0A9$+ -./".chars().cycle().take(length).collect();
            let png = draw_code(&text).unwrap();
            assert_eq!(read_code(&png).unwrap(), text);
        }
    }

    #[test]
    fn a_picture_without_a_code_says_so() {
        let mut png = Cursor::new(Vec::new());
        GrayImage::new(64, 64)
            .write_to(&mut png, ImageFormat::Png)
            .unwrap();
        assert_eq!(code(&png.into_inner()), "picture_without_code");
    }

    #[test]
    fn damaged_foreign_and_oversized_pictures_are_refused() {
        let png = draw_code("A").unwrap();
        assert_eq!(code(&png[..png.len() / 2]), "picture_damaged");
        assert_eq!(code(b"GIF89a"), "picture_unsupported");
        assert_eq!(code(&vec![0; MAX_PICTURE_BYTES + 1]), "picture_too_large");
    }

    #[test]
    fn a_small_file_that_claims_a_huge_picture_is_refused() {
        let mut png = draw_code("A").unwrap();
        // The width in the IHDR chunk; its checksum no longer fits either.
        png[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
        assert!(matches!(
            read_code(&png).unwrap_err(),
            PictureError::TooLarge | PictureError::Damaged(_)
        ));
    }

    fn code(bytes: &[u8]) -> &'static str {
        read_code(bytes).unwrap_err().code()
    }
}
