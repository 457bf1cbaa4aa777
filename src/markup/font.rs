//! The embedded faces: advance widths, and which characters they can print.

use std::sync::LazyLock;

use ttf_parser::Face as Parsed;

use super::MarkupError;

/// Family name inside the embedded files.
pub const FAMILY: &str = "Liberation Sans";

static FILES: [&[u8]; 3] = [
    include_bytes!("fonts/LiberationSans-Regular.ttf"),
    include_bytes!("fonts/LiberationSans-Italic.ttf"),
    include_bytes!("fonts/LiberationSans-Bold.ttf"),
];

static FACES: LazyLock<[Parsed<'static>; 3]> =
    LazyLock::new(|| FILES.map(|file| Parsed::parse(file, 0).expect("an embedded font is well formed")));

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    Regular,
    Italic,
    Bold,
}

impl Face {
    fn parsed(self) -> &'static Parsed<'static> {
        match self {
            Face::Regular => &FACES[0],
            Face::Italic => &FACES[1],
            Face::Bold => &FACES[2],
        }
    }

    /// Advance width of one character in units of the font size.
    ///
    /// # Errors
    /// [`MarkupError::Glyph`] if the face has no glyph for it.
    pub fn advance(self, character: char) -> Result<f64, MarkupError> {
        let face = self.parsed();
        let glyph = face.glyph_index(character).ok_or(MarkupError::Glyph { character })?;
        let advance = face.glyph_hor_advance(glyph).ok_or(MarkupError::Glyph { character })?;
        Ok(f64::from(advance) / f64::from(face.units_per_em()))
    }
}

/// The three files, for the converter of text to outlines.
pub fn files() -> [&'static [u8]; 3] {
    FILES
}
