//! Draws portraits, so that sample cards have a picture of nobody.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError};
use jumin_identity::sha256;

const WIDTH: u32 = 72;
const HEIGHT: u32 = 96;
/// A portrait travels in moving QR codes: two kilobytes are eight frames.
const MAX_BYTES: usize = 2048;

/// Draws the portrait of `resident_id` as a JPEG of at most 2 kB; the same id gives the same picture.
pub fn draw_portrait(resident_id: &str) -> Result<Vec<u8>, ImageError> {
    let face = Face::of(resident_id);
    let mut pixels = Vec::with_capacity((WIDTH * HEIGHT * 3) as usize);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            pixels.extend_from_slice(&face.colour_at(x as f32, y as f32));
        }
    }
    encode(&pixels)
}

fn encode(pixels: &[u8]) -> Result<Vec<u8>, ImageError> {
    let mut quality = 60;
    loop {
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, quality).write_image(
            pixels,
            WIDTH,
            HEIGHT,
            ExtendedColorType::Rgb8,
        )?;
        if jpeg.len() <= MAX_BYTES || quality <= 10 {
            return Ok(jpeg);
        }
        quality -= 10;
    }
}

type Colour = [u8; 3];

struct Face {
    background: Colour,
    skin: Colour,
    hair: Colour,
    clothes: Colour,
    width: f32,
    long_hair: bool,
    smile: f32,
}

const BACKGROUNDS: [Colour; 4] = [
    [226, 236, 244],
    [238, 238, 232],
    [221, 232, 222],
    [232, 226, 238],
];
const SKINS: [Colour; 4] = [
    [240, 208, 178],
    [232, 194, 160],
    [222, 184, 148],
    [245, 216, 190],
];
const HAIRS: [Colour; 4] = [[32, 26, 24], [54, 40, 32], [24, 24, 30], [120, 116, 114]];
const CLOTHES: [Colour; 4] = [[44, 62, 92], [92, 44, 54], [60, 78, 66], [70, 70, 78]];

impl Face {
    fn of(resident_id: &str) -> Self {
        let digest = sha256(resident_id.as_bytes());
        let pick = |at: usize| usize::from(digest[at]) % 4;
        Self {
            background: BACKGROUNDS[pick(0)],
            skin: SKINS[pick(1)],
            hair: HAIRS[pick(2)],
            clothes: CLOTHES[pick(3)],
            width: 16.0 + f32::from(digest[4] % 5),
            long_hair: digest[5].is_multiple_of(2),
            smile: f32::from(digest[6] % 4),
        }
    }

    /// Takes the topmost shape that covers the point.
    fn colour_at(&self, x: f32, y: f32) -> Colour {
        let side = (x - 36.0).abs();
        let eyes = inside(side - 8.0, y - 43.0, 2.2, 1.6);
        let brows = (side - 8.0).abs() < 3.6 && (y - 38.0).abs() < 0.9;
        let mouth = side < 6.0 && (y - 57.0 + side * side * self.smile / 40.0).abs() < 1.1;
        let nose = side < 1.0 && (44.0..51.0).contains(&y);
        let face = inside(side, y - 45.0, self.width, 22.0);
        let fringe = inside(side, y - 32.0, self.width + 3.0, 14.0) && y < 35.0 - side / 6.0;
        let back_hair = if self.long_hair {
            inside(side, y - 48.0, self.width + 5.0, 30.0)
        } else {
            inside(side, y - 38.0, self.width + 3.0, 20.0)
        };
        let neck = side < 7.0 && (60.0..76.0).contains(&y);
        let shoulders = inside(side, y - 98.0, 33.0, 25.0);
        match () {
            () if face && (eyes || brows) => self.hair,
            () if face && mouth => [176, 92, 88],
            () if face && nose => self.skin.map(|part| part.saturating_sub(22)),
            () if fringe => self.hair,
            () if face => self.skin,
            () if neck => self.skin.map(|part| part.saturating_sub(14)),
            () if shoulders => self.clothes,
            () if back_hair => self.hair,
            () => self.background,
        }
    }
}

fn inside(x: f32, y: f32, radius_x: f32, radius_y: f32) -> bool {
    (x / radius_x).powi(2) + (y / radius_y).powi(2) <= 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portraits_are_small_jpegs_that_differ() {
        let first = draw_portrait("r000001").unwrap();
        for id in 0..40 {
            let portrait = draw_portrait(&format!("r{id:06}")).unwrap();
            assert!(portrait.len() <= MAX_BYTES, "{} bytes", portrait.len());
            assert_eq!(&portrait[..3], [0xff, 0xd8, 0xff]);
        }
        assert_eq!(first, draw_portrait("r000001").unwrap());
        assert_ne!(first, draw_portrait("r000002").unwrap());
    }
}
