//! The contact sheet: small pictures in a grid, each with its frame number, as a PNG. The same input gives the same bytes.

use super::picture::Picture;
use png::{BitDepth, ColorType, Compression, Encoder, Filter};

mod digits;

/// More pictures than anyone looks at, and what still fits into memory.
pub const MAX_THUMBS: usize = 400;
/// The space around each picture, in pixels.
const GAP: u32 = 8;
/// The most pixels of one side of a cell.
const MAX_CELL: u32 = 512;
/// How large one dot of a digit is drawn.
const DOT: u32 = 2;

type Colour = [u8; 3];
const BACKGROUND: Colour = [32, 32, 32];
const BEHIND: Colour = [64, 64, 64];
const LABEL: Colour = [224, 224, 224];
const MISSING: Colour = [176, 48, 48];

/// One cell of the sheet.
#[derive(Debug, Clone)]
pub struct Thumb {
    /// The frame, drawn below the picture.
    pub frame: i32,
    /// The picture; without one (missing or broken frame) the cell is crossed out in red.
    pub picture: Option<Picture>,
}

/// How the sheet looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetStyle {
    /// The width and height into which each picture must fit, in pixels.
    pub cell: (u32, u32),
    /// Pictures in a row.
    pub columns: u32,
}

impl SheetStyle {
    /// A sheet about as wide as high for so many pictures of this shape, cells 160 pixels wide.
    pub fn for_series(count: usize, width: u32, height: u32) -> Self {
        let cell_height = (u64::from(height) * 160 / u64::from(width.max(1))).clamp(16, MAX_CELL.into()) as u32;
        let columns = (1..=20u32).find(|columns| (columns * columns) as usize * 160 >= count * cell_height as usize);
        SheetStyle { cell: (160, cell_height), columns: columns.unwrap_or(20) }
    }
}

/// Which of `count` pictures to show if only `most` fit: evenly spread, the first and the last among them.
pub fn pick(count: usize, most: usize) -> Vec<usize> {
    match (count, most) {
        (count, most) if count <= most => (0..count).collect(),
        (_, 0) => Vec::new(),
        (_, 1) => vec![0],
        (count, most) => (0..most).map(|n| n * (count - 1) / (most - 1)).collect(),
    }
}

/// Draws the sheet; of more than [`MAX_THUMBS`] the first ones ([`pick`] chooses better). `None` without any.
pub fn draw(thumbs: &[Thumb], style: SheetStyle) -> Option<Vec<u8>> {
    let thumbs = &thumbs[..thumbs.len().min(MAX_THUMBS)];
    if thumbs.is_empty() {
        return None;
    }
    let cell = (style.cell.0.clamp(16, MAX_CELL), style.cell.1.clamp(16, MAX_CELL));
    let columns = (style.columns.max(1) as usize).min(thumbs.len());
    let (step_x, step_y) = (cell.0 + GAP, cell.1 + GAP + digits::HEIGHT * DOT + GAP / 2);
    let mut canvas = Canvas::new(columns as u32 * step_x + GAP, thumbs.len().div_ceil(columns) as u32 * step_y + GAP);
    for (at, thumb) in thumbs.iter().enumerate() {
        let (column, row) = ((at % columns) as u32, (at / columns) as u32);
        canvas.draw_thumb(thumb, (GAP + column * step_x, GAP + row * step_y), cell);
    }
    canvas.into_png()
}

/// RGB pixels.
struct Canvas {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Canvas {
    fn new(width: u32, height: u32) -> Self {
        Canvas { width, height, rgb: BACKGROUND.repeat(width as usize * height as usize) }
    }

    fn set(&mut self, x: u32, y: u32, colour: Colour) {
        let at = (y as usize * self.width as usize + x as usize) * 3;
        if x < self.width
            && let Some(pixel) = self.rgb.get_mut(at..at + 3)
        {
            pixel.copy_from_slice(&colour);
        }
    }

    fn draw_thumb(&mut self, thumb: &Thumb, (left, top): (u32, u32), cell: (u32, u32)) {
        match &thumb.picture {
            Some(picture) => {
                let small = picture.fit(cell.0, cell.1);
                let corner = (left + (cell.0 - small.width()) / 2, top + (cell.1 - small.height()) / 2);
                self.draw_picture(&small, corner);
            }
            None => self.cross_out((left, top), cell),
        }
        let label = thumb.frame.to_string();
        let indent = cell.0.saturating_sub(digits::width(&label) * DOT) / 2;
        self.draw_label(&label, (left + indent, top + cell.1 + GAP / 2));
    }

    fn draw_picture(&mut self, picture: &Picture, (left, top): (u32, u32)) {
        for y in 0..picture.height() {
            for x in 0..picture.width() {
                self.set(left + x, top + y, over(picture.pixel(x, y), BEHIND));
            }
        }
    }

    fn cross_out(&mut self, (left, top): (u32, u32), (width, height): (u32, u32)) {
        for x in 0..width {
            let y = x * (height - 1) / (width - 1).max(1);
            for thick in 0..2 {
                self.set(left + x, top + (y + thick).min(height - 1), MISSING);
                self.set(left + x, top + (height - 1 - y).saturating_sub(thick), MISSING);
            }
        }
    }

    fn draw_label(&mut self, label: &str, (left, top): (u32, u32)) {
        for (x, y) in digits::dots(label) {
            for dot in 0..DOT * DOT {
                self.set(left + x * DOT + dot % DOT, top + y * DOT + dot / DOT, LABEL);
            }
        }
    }

    fn into_png(self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Balanced);
        encoder.set_filter(Filter::Up);
        // Writing to memory fails only for impossible sizes, which the limits above exclude.
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&self.rgb).ok()?;
        writer.finish().ok()?;
        Some(bytes)
    }
}

/// A pixel laid over a background.
fn over([r, g, b, a]: [u8; 4], behind: Colour) -> Colour {
    let a = u32::from(a);
    let mix = |front: u8, back: u8| ((u32::from(front) * a + u32::from(back) * (255 - a) + 127) / 255) as u8;
    [mix(r, behind[0]), mix(g, behind[1]), mix(b, behind[2])]
}

#[cfg(test)]
mod tests {
    use super::super::decode::decode;
    use super::super::verdict::{Format, Verdict};
    use super::super::walk::walk;
    use super::*;

    fn thumb(frame: i32) -> Thumb {
        let rgba = [200, 10, 10, 255].repeat(320 * 180);
        Thumb { frame, picture: Picture::new(320, 180, rgba) }
    }

    #[test]
    fn a_sheet_is_a_whole_png_and_always_the_same() {
        let thumbs = [thumb(1), Thumb { frame: -2, picture: None }, thumb(1_234_567)];
        let style = SheetStyle::for_series(3, 320, 180);
        assert_eq!((style.cell, style.columns), ((160, 90), 2));
        let sheet = draw(&thumbs, style).expect("three pictures");
        assert_eq!(Some(&sheet), draw(&thumbs, style).as_ref());
        assert!(matches!(walk(&sheet, "png"), Verdict::Ok(_)));
        let picture = decode(&sheet, Format::Png).expect("whole");
        assert_eq!((picture.width(), picture.height()), (2 * 168 + 8, 2 * (90 + 8 + 14 + 4) + 8));
        assert_eq!(picture.pixel(8, 8), [200, 10, 10, 255]);
        assert_eq!(picture.pixel(8 + 168, 8), [176, 48, 48, 255]);
        assert!((98..116).any(|y| (0..168).any(|x| picture.pixel(x, y) == [224, 224, 224, 255])));
    }

    #[test]
    fn shapes_and_counts_at_the_edge_are_drawn_too() {
        assert!(draw(&[], SheetStyle { cell: (160, 90), columns: 4 }).is_none());
        for cell in [(0, 0), (u32::MAX, u32::MAX)] {
            assert!(draw(&[thumb(1), Thumb { frame: 2, picture: None }], SheetStyle { cell, columns: 0 }).is_some());
        }
        let style = SheetStyle::for_series(1, 1, u32::MAX);
        assert_eq!((style.cell.1, style.columns > 0), (MAX_CELL, true));
        assert!(SheetStyle::for_series(usize::MAX / 1000, 0, 0).columns >= 1);
    }

    #[test]
    fn a_choice_of_pictures_keeps_both_ends() {
        assert_eq!(pick(3, 10), [0, 1, 2]);
        assert_eq!(pick(100, 4), [0, 33, 66, 99]);
        assert_eq!((pick(5, 1), pick(5, 0)), (vec![0], vec![]));
    }
}
