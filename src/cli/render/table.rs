//! Plain tables: columns two spaces apart, no frames, so that they survive `awk` and narrow terminals.

use crate::cli::escape;
use std::fmt;

/// Rows under a heading.
pub struct Table(comfy_table::Table);

impl Table {
    /// A table with these headings.
    pub fn new(headings: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING).set_header(headings.iter().copied());
        Table(table)
    }

    /// Adds a row; every cell is made harmless and put on one line.
    pub fn row(&mut self, cells: &[&str]) {
        self.0.add_row(cells.iter().map(|cell| escape::line(cell)));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.0.to_string().lines() {
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
