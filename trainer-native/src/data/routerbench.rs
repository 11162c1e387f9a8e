//! RouterBench (arXiv 2403.12031), CSV or parquet: a score and a cost a model.
//!
//! ```csv
//! ,sample_id,prompt,eval_name,small,large,small|total_cost,large|total_cost,oracle_model_to_route_to
//! 0,sums.7,['What is 3 + 4?'],sums,0.0,1.0,0.00002,0.0031,large
//! ```
//!
//! Every column that is not named here is a model's: its score in [0, 1]. `<model>|total_cost` is
//! the cost of the answer in US dollars; other `<model>|...` columns, such as the answers in
//! `<model>|model_response`, and `oracle_model_to_route_to` are not read. An empty cell means "not
//! measured". `prompt` is Python's written form of a list of texts, which are joined by a blank
//! line to the query; a prompt that does not begin with `[` is taken as it is. The data set is
//! `eval_name`, the id `sample_id`; the published tables use some ids twice, for different prompts,
//! so where there is a column of row numbers (an unnamed column, or pandas' `__index_level_0__`)
//! the id is `<sample_id>#<number>`.

use std::path::{Path, PathBuf};

use super::bad_row::{RowFault, checked_cost, checked_score};
use super::cell::{Cell, shortened};
use super::row_sink::{ParsedRow, RowSink};
use super::table_rows::{for_each_row, required_columns};
use super::{DataError, python_list};

const EXPECTED: &str = "CSV with sample_id, prompt, eval_name and one column a model";
const COST: &str = "|total_cost";
const REQUIRED: [&str; 3] = ["sample_id", "prompt", "eval_name"];

/// The names under which pandas writes the row's number.
const INDEX: [&str; 3] = ["", "Unnamed: 0", "__index_level_0__"];

/// A column that belongs to no model: it is computed from the scores.
const ORACLE: &str = "oracle_model_to_route_to";

/// The columns to read after those of [`REQUIRED`]: the row number where there is one, then the
/// other columns in their order, each with its meaning.
struct Layout {
    numbered: bool,
    values: Vec<(Value, String)>,
}

#[derive(Clone, Copy)]
enum Value {
    Score,
    Cost,
}

pub(super) fn read_files(files: &[PathBuf], sink: &mut RowSink<'_>) -> Result<(), DataError> {
    for file in files {
        for_each_row(
            file,
            sink,
            EXPECTED,
            |_, columns| layout(file, columns),
            |sink, layout, line, cells| {
                sink.push(line, cells.and_then(|cells| parse(cells, layout)))
            },
        )?;
    }
    Ok(())
}

fn layout(path: &Path, columns: &[String]) -> Result<(Layout, Vec<usize>), DataError> {
    let mut wanted = required_columns(path, columns, REQUIRED)?.to_vec();
    let index = columns.iter().position(|column| INDEX.contains(&column.as_str()));
    wanted.extend(index);
    let mut values = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let column = column.as_str();
        if REQUIRED.contains(&column) || INDEX.contains(&column) || column == ORACLE {
            continue;
        }
        let value = match column.split_once('|') {
            None => (Value::Score, column),
            Some((model, _)) if column.ends_with(COST) => (Value::Cost, model),
            Some(_) => continue,
        };
        values.push((value.0, value.1.to_owned()));
        wanted.push(at);
    }
    let scored = |model: &str| {
        values.iter().any(|(value, name)| matches!(value, Value::Score) && name == model)
    };
    let without = values.iter().find(|(_, name)| !scored(name));
    if without.is_some() || values.is_empty() {
        let model = without.map_or("<model>", |(_, name)| name.as_str());
        let expected = format!(
            "sample_id, prompt, eval_name and the scores of each model: a column {model:?}"
        );
        return Err(DataError::bad_header(path, columns, &expected));
    }
    Ok((Layout { numbered: index.is_some(), values }, wanted))
}

fn parse(cells: &[Cell<'_>], layout: &Layout) -> Result<ParsedRow, RowFault> {
    let Some((&[id, prompt, dataset], values)) = cells.split_first_chunk() else {
        return Err(RowFault::new("wrong_column_count", "found too few columns"));
    };
    let mut id = id.text("sample_id")?.into_owned();
    let values = match values.split_first() {
        Some((number, values)) if layout.numbered => {
            id = format!("{id}#{}", number.text("row number")?);
            values
        }
        _ => values,
    };
    let mut row = ParsedRow {
        id,
        query: query(&prompt.text("prompt")?)?,
        dataset: dataset.text("eval_name")?.into_owned(),
        ..ParsedRow::default()
    };
    for ((value, model), cell) in layout.values.iter().zip(values) {
        let Some(number) = cell.number(model)? else { continue };
        match value {
            Value::Score => row.scores.push((model.clone(), checked_score(model, number)?)),
            Value::Cost => row.costs.push((model.clone(), checked_cost(model, number)?)),
        }
    }
    Ok(row)
}

fn query(prompt: &str) -> Result<String, RowFault> {
    if !prompt.trim_start().starts_with('[') {
        return Ok(prompt.to_owned());
    }
    python_list::parse(prompt).map(|texts| texts.join("\n\n")).map_err(|reason| {
        RowFault::new(
            "prompt_not_a_list",
            format!(
                "found the prompt {:?}, which is not Python's form of a list of texts: {reason}; expected such as ['text']",
                shortened(prompt)
            ),
        )
    })
}
