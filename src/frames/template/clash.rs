//! Two files that would get one name.

use crate::base::rel_path::RelPath;
use std::collections::BTreeMap;

/// Names that cannot be there together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The name in question, as the first of them spells it.
    pub target: RelPath,
    /// Which of the targets given want it: indices, in order.
    pub sources: Vec<usize>,
}

/// Finds targets that are one and the same, also on file systems that do not tell capitals apart, and targets that would be
/// a folder and a file at once (`a` and `a/b`).
pub fn clashes(targets: &[RelPath]) -> Vec<Clash> {
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, target) in targets.iter().enumerate() {
        by_name.entry(target.as_str().to_lowercase()).or_default().push(at);
    }
    for (at, target) in targets.iter().enumerate() {
        let folded = target.as_str().to_lowercase();
        for (slash, _) in folded.match_indices('/') {
            if let Some(sources) = by_name.get_mut(&folded[..slash]) {
                sources.push(at);
            }
        }
    }
    let clashing = by_name.into_values().filter(|sources| sources.len() > 1);
    clashing.map(|sources| Clash { target: targets[sources[0]].clone(), sources }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_folded_and_nested_names_clash() {
        let targets: Vec<RelPath> = ["A.1.png", "b.png", "a.1.PNG", "dir", "Dir/x.png", "Ä.png", "ä.png", "dir2/x"]
            .map(|t| RelPath::new(t).expect(t))
            .to_vec();
        let found: Vec<(String, Vec<usize>)> =
            clashes(&targets).into_iter().map(|c| (c.target.to_string(), c.sources)).collect();
        assert_eq!(found, [("A.1.png".into(), vec![0, 2]), ("dir".into(), vec![3, 4]), ("Ä.png".into(), vec![5, 6])]);
        assert!(clashes(&targets[..2]).is_empty());
    }
}
