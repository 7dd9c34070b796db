//! A query as a tree of terms.

use super::term::Term;

/// A query or a part of one. Built by [`Node::all`], [`Node::any`] and [`Node::not`] alone, so that two texts of one meaning
/// make one tree wherever only parentheses differ.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// Every one of them; none at all matches everything.
    All(Vec<Node>),
    /// At least one of them.
    Any(Vec<Node>),
    /// What does not match.
    Not(Box<Node>),
    /// One condition.
    Term(Term),
}

impl Node {
    /// Every one of `nodes`.
    pub(super) fn all(nodes: Vec<Node>) -> Node {
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Node::All(inner) => flat.extend(inner),
                node => flat.push(node),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Node::All(flat) }
    }

    /// At least one of `nodes`, of which there is one.
    pub(super) fn any(nodes: Vec<Node>) -> Node {
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Node::Any(inner) => flat.extend(inner),
                node => flat.push(node),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Node::Any(flat) }
    }

    /// What `node` does not match.
    pub(super) fn not(node: Node) -> Node {
        match node {
            Node::Not(inner) => *inner,
            node => Node::Not(Box::new(node)),
        }
    }

    /// Shows every term.
    pub(super) fn each_term<'a>(&'a self, show: &mut impl FnMut(&'a Term)) {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| node.each_term(show)),
            Node::Not(node) => node.each_term(show),
            Node::Term(term) => show(term),
        }
    }

    /// The same with what is cheap to know before what is not, otherwise in the order as written.
    pub(super) fn cheapest_first(self) -> Node {
        let sorted = |nodes: Vec<Node>| {
            let mut nodes: Vec<Node> = nodes.into_iter().map(Node::cheapest_first).collect();
            nodes.sort_by_cached_key(Node::is_costly);
            nodes
        };
        match self {
            Node::All(nodes) => Node::All(sorted(nodes)),
            Node::Any(nodes) => Node::Any(sorted(nodes)),
            Node::Not(node) => Node::Not(Box::new(node.cheapest_first())),
            term => term,
        }
    }

    fn is_costly(&self) -> bool {
        let mut is_costly = false;
        self.each_term(&mut |term| is_costly |= term.fields().iter().any(|field| field.is_costly()));
        is_costly
    }
}
