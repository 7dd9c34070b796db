//! Queries as a whole: what is read, what is refused, and properties against a plain reading of the grammar.

mod oracle;
mod page;
mod tables;
