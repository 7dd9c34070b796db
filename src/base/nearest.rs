//! The word that was probably meant.

/// The name most like `word`, if any is near.
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let limit = (word.chars().count() / 3).max(1);
    let scored = names.map(|name| (distance(word, name), name));
    scored.filter(|(distance, _)| *distance <= limit).min().map(|(_, name)| name.to_owned())
}

/// How many characters must be added, dropped or changed (Levenshtein), ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = change.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("shto010", ["shot010", "r1"].into_iter()).as_deref(), Some("shot010"));
        assert_eq!(nearest("STATSU", ["start", "status"].into_iter()).as_deref(), Some("status"));
        assert_eq!(nearest("zzz", ["shot010"].into_iter()), None);
        assert_eq!(nearest("", [].into_iter()), None);
    }
}
