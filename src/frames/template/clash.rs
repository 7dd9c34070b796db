//! Two files that would get one name.

use crate::base::rel_path::RelPath;

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
    let mut wanted: Vec<(String, Use, usize)> = Vec::with_capacity(targets.len());
    for (at, target) in targets.iter().enumerate() {
        let folded = target.as_str().to_lowercase();
        wanted.extend(folded.match_indices('/').map(|(slash, _)| (folded[..slash].to_owned(), Use::Folder, at)));
        wanted.push((folded, Use::File, at));
    }
    wanted.sort_unstable();
    let same_name = wanted.chunk_by(|(one, ..), (other, ..)| one == other);
    // Many files may share a folder; a file shares its name with nothing.
    let clashing = same_name.filter(|same| same.len() > 1 && same[0].1 == Use::File);
    let clash = |same: &[(String, Use, usize)]| {
        let sources: Vec<usize> = same.iter().map(|(.., at)| *at).collect();
        Clash { target: targets[sources[0]].clone(), sources }
    };
    clashing.map(clash).collect()
}

/// What a name is wanted for.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    File,
    Folder,
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

    proptest::proptest! {
        #[test]
        fn what_is_found_is_what_comparing_all_with_all_finds(
            names in proptest::collection::vec("[abA](/[abB]){0,2}", 0..12)
        ) {
            let targets: Vec<RelPath> = names.iter().map(|name| RelPath::new(name).expect("path")).collect();
            let folded: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
            let is_below = |at: usize, name: &str| folded[at].strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
            let mut expected = Vec::new();
            for name in std::collections::BTreeSet::from_iter(&folded) {
                let files = (0..names.len()).filter(|at| folded[*at] == *name);
                let sources: Vec<usize> = files.chain((0..names.len()).filter(|at| is_below(*at, name))).collect();
                if sources.len() > 1 {
                    expected.push(Clash { target: targets[sources[0]].clone(), sources });
                }
            }
            proptest::prop_assert_eq!(clashes(&targets), expected);
        }
    }
}
