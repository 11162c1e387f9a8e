//! A table that renders as Markdown or as HTML from the same cells.

use maud::{Markup, html};

/// A column's heading, and whether it holds numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// Whether it holds numbers, which are right-aligned.
    pub numeric: bool,
}

impl Column {
    /// A left-aligned column of text.
    #[must_use]
    pub fn text(name: &str) -> Self {
        Self { name: name.to_owned(), numeric: false }
    }

    /// A right-aligned column of numbers.
    #[must_use]
    pub fn number(name: &str) -> Self {
        Self { name: name.to_owned(), numeric: true }
    }
}

/// What a row is about; the page shades it accordingly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowClass {
    Ours,
    Baseline,
    Published,
}

impl RowClass {
    /// Its style class.
    fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Baseline => "baseline",
            Self::Published => "published",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub caption: String,
    pub columns: Vec<Column>,
    /// The rows; each has one cell for each column.
    pub rows: Vec<(RowClass, Vec<String>)>,
}

impl Table {
    #[must_use]
    pub fn new(caption: impl Into<String>, columns: Vec<Column>) -> Self {
        Self { caption: caption.into(), columns, rows: Vec::new() }
    }

    pub fn push(&mut self, class: RowClass, cells: Vec<String>) {
        self.rows.push((class, cells));
    }

    /// Removes the columns, except the first, in which every row has a dash.
    #[must_use]
    pub fn without_empty_columns(mut self) -> Self {
        let filled = |at: usize| {
            self.rows
                .iter()
                .any(|(_, cells)| cells.get(at).is_some_and(|c| c != super::format::DASH))
        };
        let keep: Vec<bool> = (0..self.columns.len()).map(|at| at == 0 || filled(at)).collect();
        retain(&mut self.columns, &keep);
        for (_, cells) in &mut self.rows {
            retain(cells, &keep);
        }
        self
    }

    /// Renders Markdown, without the caption.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = String>| {
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let mut text = line(&mut self.columns.iter().map(|column| cell(&column.name)));
        let rule = |column: &Column| if column.numeric { "---:" } else { "---" }.to_owned();
        text += &line(&mut self.columns.iter().map(rule));
        for (_, cells) in &self.rows {
            text += &line(&mut cells.iter().map(|text| cell(text)));
        }
        text
    }

    /// Renders an HTML table with its caption; the first cell of a row is its heading.
    #[must_use]
    pub fn html(&self) -> Markup {
        let class = |column: Option<&Column>| column.filter(|column| column.numeric).map(|_| "n");
        html! {
            div class="scroll" {
                table {
                    caption { (self.caption) }
                    thead {
                        tr {
                            @for column in &self.columns {
                                th scope="col" class=[class(Some(column))] { (column.name) }
                            }
                        }
                    }
                    tbody {
                        @for (row, cells) in &self.rows {
                            tr class=(row.name()) {
                                @for (at, cell) in cells.iter().enumerate() {
                                    @let class = class(self.columns.get(at));
                                    @if at == 0 {
                                        th scope="row" class=[class] { (cell) }
                                    } @else {
                                        td class=[class] { (cell) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Escapes text so that it ends neither its cell nor its line.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn retain<T>(values: &mut Vec<T>, keep: &[bool]) {
    let mut at = 0;
    values.retain(|_| {
        at += 1;
        keep.get(at - 1).copied().unwrap_or(true)
    });
}

/// Checks that each line of a table in a Markdown text has as many cells as the table's heading.
#[cfg(test)]
pub(crate) fn assert_rows_match_headings(markdown: &str) {
    let mut cells = 0;
    for line in markdown.lines() {
        let found = line.matches('|').count();
        if found > 0 && cells > 0 {
            assert_eq!(found, cells, "{line}");
        }
        cells = found;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn table() -> Table {
        let columns = vec![Column::text("router"), Column::number("APGR"), Column::number("AIQ")];
        let mut table = Table::new("a < b", columns);
        table.push(RowClass::Ours, vec!["mf | <new>\nline".into(), "0.622".into(), "–".into()]);
        table
    }

    #[test]
    fn cells_stay_in_their_cell() {
        let text = table().markdown();
        let expected =
            "| router | APGR | AIQ |\n| --- | ---: | ---: |\n| mf \\| <new> line | 0.622 | – |\n";
        assert_eq!(text, expected);
        let html = table().html().into_string();
        assert!(html.contains("<caption>a &lt; b</caption>"));
        assert!(
            html.contains(
                "<th scope=\"row\">mf | &lt;new&gt;\nline</th><td class=\"n\">0.622</td>"
            )
        );
    }

    #[test]
    fn columns_of_dashes_go() {
        let found = table().without_empty_columns();
        assert_eq!(found.columns.len(), 2);
        assert_eq!(found.rows[0].1.len(), 2);
    }
}
