//! Pictures of QR codes: reads them from files and draws them as PNG.

use std::io::Cursor;

use image::{GrayImage, ImageFormat, ImageReader, Limits, Luma};
use qrcode::{Color, EcLevel, QrCode};
use rxing::BarcodeFormat;

const MAX_BYTES: usize = 16 * 1024 * 1024;
const MAX_SIDE: u32 = 10_000;
const MAX_ALLOCATION: u64 = 256 * 1024 * 1024;
/// Pixels a module; scanners want three at least, and a printed or photographed picture loses some.
const MODULE: u32 = 8;
/// Light modules around a code (ISO/IEC 18004 §9.1).
const QUIET: u32 = 4;

/// Says why a picture could not be read or drawn.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The picture is too large.
    #[error("the picture is too large")]
    TooLarge,
    /// It is neither PNG nor JPEG, or is damaged.
    #[error("the picture is not a readable PNG or JPEG")]
    Unreadable(#[source] image::ImageError),
    /// There is no QR code in it.
    #[error("no QR code was found in the picture")]
    NoCode,
    /// The text does not fit a QR code.
    #[error("the text does not fit a QR code")]
    DoesNotFit,
}

impl PictureError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "picture_too_large",
            Self::Unreadable(_) => "picture_unreadable",
            Self::NoCode => "no_qr_code",
            Self::DoesNotFit => "qr_too_large",
        }
    }
}

/// Reads the QR code in a PNG or JPEG of at most 16 MiB.
pub fn read_code(picture: &[u8]) -> Result<String, PictureError> {
    if picture.len() > MAX_BYTES {
        return Err(PictureError::TooLarge);
    }
    let mut reader = ImageReader::new(Cursor::new(picture))
        .with_guessed_format()
        .map_err(|error| PictureError::Unreadable(error.into()))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOCATION);
    reader.limits(limits);
    let image = reader.decode().map_err(PictureError::Unreadable)?;
    let gray = image.into_luma8();
    let (width, height) = gray.dimensions();
    let found = rxing::helpers::detect_in_luma(
        gray.into_raw(),
        width,
        height,
        Some(BarcodeFormat::QR_CODE),
    );
    found
        .map(|code| code.getText().to_owned())
        .map_err(|_| PictureError::NoCode)
}

/// Draws a text as a QR code with error correction L, as a PNG.
pub fn draw_code(text: &str) -> Result<Vec<u8>, PictureError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L)
        .map_err(|_| PictureError::DoesNotFit)?;
    let modules = code.width() as u32;
    let colors = code.to_colors();
    let side = (modules + 2 * QUIET) * MODULE;
    let image = GrayImage::from_fn(side, side, |x, y| {
        let at = |pixel: u32| (pixel / MODULE).checked_sub(QUIET).filter(|m| *m < modules);
        let dark = at(x).zip(at(y)).is_some_and(|(column, row)| {
            colors.get((row * modules + column) as usize) == Some(&Color::Dark)
        });
        Luma([if dark { 0 } else { 255 }])
    });
    let mut png = Cursor::new(Vec::new());
    image
        .write_to(&mut png, ImageFormat::Png)
        .map_err(PictureError::Unreadable)?;
    Ok(png.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_code_reads_back() {
        for text in ["JUMIN:1", &"A1$".repeat(400)] {
            let png = draw_code(text).unwrap();
            assert_eq!(read_code(&png).unwrap(), text);
        }
    }

    #[test]
    fn what_is_not_a_picture_of_a_code_is_named() {
        assert!(matches!(
            read_code(b"not a picture"),
            Err(PictureError::Unreadable(_))
        ));
        let mut blank = Cursor::new(Vec::new());
        GrayImage::from_pixel(200, 200, Luma([255]))
            .write_to(&mut blank, ImageFormat::Png)
            .unwrap();
        assert!(matches!(
            read_code(blank.get_ref()),
            Err(PictureError::NoCode)
        ));
        assert!(matches!(
            draw_code(&"A".repeat(5000)),
            Err(PictureError::DoesNotFit)
        ));
    }
}
