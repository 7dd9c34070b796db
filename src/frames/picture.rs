//! A decoded picture, small or large.

/// An image in memory: RGBA, 8 bits each, not premultiplied, top line first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
}

impl Picture {
    /// A picture of `width * height * 4` bytes; `None` if the sizes do not fit or there is no pixel.
    pub fn new(width: u32, height: u32, rgba: Vec<u8>) -> Option<Self> {
        let bytes = usize::try_from(width).ok()?.checked_mul(usize::try_from(height).ok()?)?.checked_mul(4)?;
        (bytes > 0 && bytes == rgba.len()).then_some(Picture { width, height, rgba })
    }

    /// Pixels per line.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Lines.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The pixel at `x`, `y`; transparent black outside.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 4] {
        let at = (y as usize * self.width as usize + x as usize) * 4;
        let inside = x < self.width && y < self.height;
        inside.then(|| self.rgba.get(at..at + 4)?.try_into().ok()).flatten().unwrap_or([0; 4])
    }

    /// All pixels.
    pub fn rgba(&self) -> &[u8] {
        &self.rgba
    }

    /// The picture made to fit into `width` x `height` pixels, its shape kept, never enlarged.
    #[must_use]
    pub fn fit(&self, width: u32, height: u32) -> Picture {
        let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
        let (own_width, own_height) = (u64::from(self.width), u64::from(self.height));
        // The side that is too long by the larger factor decides.
        let (by, of) = if own_width * height > own_height * width { (width, own_width) } else { (height, own_height) };
        if by >= of {
            return self.clone();
        }
        let scaled = |side: u64| u32::try_from((side * by / of).max(1)).unwrap_or(u32::MAX);
        self.shrink(scaled(own_width), scaled(own_height))
    }

    /// Each pixel is the mean of the box of pixels that it stands for, weighted by their opacity.
    fn shrink(&self, width: u32, height: u32) -> Picture {
        let mut rgba = Vec::with_capacity(width as usize * height as usize * 4);
        for y in 0..height {
            let rows = span(y, height, self.height);
            for x in 0..width {
                rgba.extend(self.mean(span(x, width, self.width), rows.clone()));
            }
        }
        Picture { width, height, rgba }
    }

    fn mean(&self, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> [u8; 4] {
        let (mut sum, mut opacity, mut count) = ([0u64; 3], 0u64, 0u64);
        for y in rows {
            let line = y * self.width as usize;
            for pixel in self.rgba[(line + columns.start) * 4..(line + columns.end) * 4].chunks_exact(4) {
                let alpha = u64::from(pixel[3]);
                for (sum, &value) in sum.iter_mut().zip(pixel) {
                    *sum += u64::from(value) * alpha;
                }
                opacity += alpha;
                count += 1;
            }
        }
        let mean = |sum: u64, of: u64| ((sum + of / 2) / of.max(1)).min(255) as u8;
        [mean(sum[0], opacity), mean(sum[1], opacity), mean(sum[2], opacity), mean(opacity, count)]
    }
}

/// The pixels of a side of `from` for which pixel `at` of a side of `to` stands; never none.
fn span(at: u32, to: u32, from: u32) -> std::ops::Range<usize> {
    let edge = |at: u64| (at * u64::from(from) / u64::from(to)) as usize;
    let start = edge(at.into());
    start..edge(u64::from(at) + 1).max(start + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checker(width: u32, height: u32) -> Picture {
        let pixel =
            |n: u32| if (n % width + n / width).is_multiple_of(2) { [255, 0, 100, 255] } else { [1, 2, 3, 255] };
        Picture::new(width, height, (0..width * height).flat_map(pixel).collect()).expect("the right size")
    }

    #[test]
    fn sizes_must_fit() {
        assert!(Picture::new(2, 2, vec![0; 15]).is_none());
        assert!(Picture::new(0, 2, Vec::new()).is_none());
        assert!(Picture::new(u32::MAX, u32::MAX, Vec::new()).is_none());
        assert_eq!(checker(2, 1).pixel(1, 0), [1, 2, 3, 255]);
        assert_eq!(checker(2, 1).pixel(2, 0), [0; 4]);
    }

    #[test]
    fn pictures_shrink_by_the_mean_and_keep_their_shape() {
        let small = checker(8, 4).fit(4, 4);
        assert_eq!((small.width(), small.height(), small.pixel(0, 0)), (4, 2, [128, 1, 52, 255]));
        assert_eq!(checker(8, 4).fit(100, 100), checker(8, 4));
        let thin = checker(1000, 1).fit(10, 10);
        assert_eq!((thin.width(), thin.height()), (10, 1));
        let odd = checker(7, 5).fit(3, 100);
        assert_eq!((odd.width(), odd.height()), (3, 2));
    }

    #[test]
    fn transparent_pixels_give_no_colour() {
        let picture = Picture::new(2, 1, vec![200, 0, 0, 255, 0, 255, 0, 0]).expect("two pixels");
        assert_eq!(picture.fit(1, 1).pixel(0, 0), [200, 0, 0, 128]);
    }
}
