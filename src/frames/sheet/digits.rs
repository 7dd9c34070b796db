//! Digits of five by seven dots.

/// The height of a digit, in dots.
pub(super) const HEIGHT: u32 = 7;
/// From one digit to the next, in dots.
const STEP: u32 = 6;

/// The lines of each digit from the top, the highest of five bits at the left.
const DIGITS: [[u8; HEIGHT as usize]; 10] = [
    [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
    [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
    [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
    [0b11111, 0b00010, 0b00100, 0b00010, 0b00001, 0b10001, 0b01110],
    [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
    [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
    [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
    [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
    [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
    [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
];
const MINUS: [u8; HEIGHT as usize] = [0, 0, 0, 0b01110, 0, 0, 0];

/// The width of a number, in dots.
pub(super) fn width(number: &str) -> u32 {
    (number.len() as u32 * STEP).saturating_sub(1)
}

/// The dots of a number from its upper left corner; characters other than digits and the minus sign are left blank.
pub(super) fn dots(number: &str) -> impl Iterator<Item = (u32, u32)> {
    number.bytes().zip(0u32..).flat_map(|(character, place)| {
        let lines = match character {
            b'0'..=b'9' => DIGITS[usize::from(character - b'0')],
            b'-' => MINUS,
            _ => [0; HEIGHT as usize],
        };
        (0..HEIGHT * 5)
            .filter(move |dot| lines[(dot / 5) as usize] >> (4 - dot % 5) & 1 == 1)
            .map(move |dot| (place * STEP + dot % 5, dot / 5))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_differ_and_stay_in_their_box() {
        let shapes: std::collections::BTreeSet<Vec<(u32, u32)>> =
            (0..10).map(|digit| dots(&digit.to_string()).collect()).collect();
        assert_eq!(shapes.len(), 10);
        assert!(dots("-10 ä").all(|(x, y)| x < width("-10 ä") && y < HEIGHT));
        assert_eq!(width(""), 0);
    }
}
