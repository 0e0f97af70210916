use qrcode::{Color, EcLevel, QrCode};
use serde::Serialize;

use super::EncodeError;

/// Is a QR code ready for a screen: a square of `modules` a side, its dark modules as one SVG path.
///
/// The path's unit is a module, its origin the code's upper left corner. Whoever draws it adds the quiet zone of four
/// light modules (ISO/IEC 18004 §9.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeDrawing {
    /// Modules a side, without the quiet zone: 21 to 177.
    pub modules: u32,
    /// SVG path data (`M`, `h`, `v`, `z`): one rectangle for each run of dark modules in a row.
    pub path: String,
}

impl CodeDrawing {
    /// Draws a text with error correction L; [`EncodeError::TooLarge`] if it doesn't fit version 40.
    pub fn of(text: &str) -> Result<Self, EncodeError> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L)
            .map_err(|_| EncodeError::TooLarge)?;
        let colors = code.to_colors();
        let rows = colors.chunks(code.width()).enumerate();
        let path = rows.map(|(y, row)| row_path(y, row)).collect();
        let modules = u32::try_from(code.width()).unwrap_or(u32::MAX);
        Ok(Self { modules, path })
    }
}

fn row_path(y: usize, row: &[Color]) -> String {
    let mut path = String::new();
    let mut x = 0;
    for run in row.chunk_by(|a, b| a == b) {
        if run.first() == Some(&Color::Dark) {
            let width = run.len();
            path.push_str(&format!("M{x} {y}h{width}v1h-{width}z"));
        }
        x += run.len();
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_has_the_modules_of_the_code() {
        let text = "JUMIN 1 2 3";
        let drawing = CodeDrawing::of(text).unwrap();
        let code = QrCode::with_error_correction_level(text, EcLevel::L).unwrap();
        assert_eq!(drawing.modules as usize, code.width());
        let dark: usize = drawing
            .path
            .split('M')
            .filter_map(|run| run.split_once('h')?.1.split_once('v'))
            .map(|(width, _)| width.parse::<usize>().unwrap())
            .sum();
        let expected = code
            .to_colors()
            .iter()
            .filter(|c| **c == Color::Dark)
            .count();
        assert_eq!(dark, expected);
        assert!(drawing.path.starts_with("M0 0h7v1h-7z"));
    }

    #[test]
    fn text_beyond_version_40_is_refused() {
        assert!(matches!(
            CodeDrawing::of(&"A".repeat(4297)),
            Err(EncodeError::TooLarge)
        ));
    }
}
