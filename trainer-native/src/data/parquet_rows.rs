//! Reads parquet one row group and one batch of rows at a time; only the columns asked for are
//! decoded.
//!
//! A column must be plain: one text, number or truth value for each row. A list or group among the
//! columns asked for is an error that names it. The parquet library panics on some damaged files;
//! the panic is caught here and becomes an error like any other.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use parquet::basic::{Compression, ConvertedType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::SchemaDescriptor;

use super::DataError;
use super::bad_row::RowFault;
use super::cell::Cell;
use super::files::io_error;
use super::source_log::Sink;

/// Rows decoded at once.
const BATCH: usize = 256;

/// Whether the file begins as parquet files do.
pub(super) fn has_magic(path: &Path) -> Result<bool, DataError> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    file.take(4).read_to_end(&mut head).map_err(|source| io_error(path, source))?;
    Ok(head == b"PAR1")
}

/// The names of the columns, nested ones among them.
pub(super) fn column_names(path: &Path) -> Result<Vec<String>, DataError> {
    Ok(names(open(path)?.metadata().file_metadata().schema_descr()))
}

fn names(schema: &SchemaDescriptor) -> Vec<String> {
    schema.root_schema().get_fields().iter().map(|field| field.name().to_owned()).collect()
}

fn open(path: &Path) -> Result<SerializedFileReader<File>, DataError> {
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    let file = contained(path, || SerializedFileReader::new(file))?;
    let columns = file.metadata().row_groups().iter().flat_map(|group| group.columns());
    let unread = columns.map(|column| column.compression()).find(|compression| {
        !matches!(compression, Compression::UNCOMPRESSED | Compression::SNAPPY)
    });
    match unread {
        None => Ok(file),
        Some(found) => Err(bad(
            path,
            format!(
                "its columns are compressed with {found}, expected Snappy or none: write it again \
                 (in pandas: to_parquet(..., compression=\"snappy\"))"
            ),
        )),
    }
}

/// Reads rows like [`table_rows::for_each_row`](super::table_rows::for_each_row).
pub(super) fn for_each_row<S: Sink, L>(
    path: &Path,
    sink: &mut S,
    columns: impl FnOnce(&mut S, &[String]) -> Result<(L, Vec<usize>), DataError>,
    mut visit: impl FnMut(&mut S, &L, u64, Result<&[Cell<'_>], RowFault>) -> Result<(), DataError>,
) -> Result<L, DataError> {
    hash(path, sink)?;
    let file = open(path)?;
    let schema = file.metadata().file_metadata().schema_descr();
    let names = names(schema);
    let (layout, wanted) = columns(sink, &names)?;
    let leaves = wanted
        .iter()
        .map(|&at| leaf(path, schema, at, names.get(at).map_or("", String::as_str)))
        .collect::<Result<Vec<usize>, DataError>>()?;
    let mut row = 0;
    for group in 0..file.num_row_groups() {
        let group = contained(path, || file.get_row_group(group))?;
        let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
        let mut readers = open_columns(path, group.as_ref(), &leaves)?;
        while left > 0 {
            let n = left.min(BATCH);
            let batch = readers
                .iter_mut()
                .map(|reader| contained(path, || Column::read(reader, n)))
                .collect::<Result<Vec<Column>, DataError>>()?;
            if let Some(short) = batch.iter().map(Column::len).find(|&length| length != n) {
                return Err(bad(path, format!("found a column of {short} values in {n} rows")));
            }
            for at in 0..n {
                row += 1;
                let cells: Vec<Cell<'_>> = batch.iter().map(|column| column.cell(at)).collect();
                visit(sink, &layout, row, Ok(&cells))?;
            }
            left -= n;
        }
    }
    Ok(layout)
}

fn open_columns(
    path: &Path,
    group: &dyn RowGroupReader,
    leaves: &[usize],
) -> Result<Vec<ColumnReader>, DataError> {
    leaves.iter().map(|&leaf| contained(path, || group.get_column_reader(leaf))).collect()
}

/// Index of the leaf column that holds the values of a root column, if it is a plain one.
fn leaf(path: &Path, schema: &SchemaDescriptor, at: usize, name: &str) -> Result<usize, DataError> {
    let nested = |found: &str| {
        let detail = format!(
            "found {found} in the column {name:?}, expected one text or number a row. Write the \
             column as text, a list as JSON, or convert the file to CSV"
        );
        DataError::bad_file(path, detail)
    };
    let leaf = (0..schema.num_columns())
        .find(|&leaf| schema.get_column_root_idx(leaf) == at)
        .ok_or_else(|| nested("a group without values"))?;
    let column = schema.column(leaf);
    if column.max_rep_level() > 0 {
        return Err(nested("a list"));
    }
    if column.path().parts().len() > 1 {
        return Err(nested("a group of columns"));
    }
    match (column.physical_type(), column.converted_type()) {
        (parquet::basic::Type::INT96, _) | (_, ConvertedType::DECIMAL) => Err(bad(
            path,
            format!(
                "found {} values in the column {name:?}, expected text, whole numbers, floating-point numbers or truth values",
                column.physical_type()
            ),
        )),
        _ => Ok(leaf),
    }
}

fn hash<S: Sink>(path: &Path, sink: &mut S) -> Result<(), DataError> {
    let mut file = File::open(path).map_err(|source| io_error(path, source))?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(|source| io_error(path, source))? {
            0 => return Ok(()),
            n => sink.log().hash(buffer.get(..n).unwrap_or_default()),
        }
    }
}

fn bad(path: &Path, detail: String) -> DataError {
    let detail = format!("cannot be read as parquet: {detail}. Fetch or write the file again");
    DataError::bad_file(path, detail)
}

fn contained<T>(
    path: &Path,
    run: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, DataError> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|error| bad(path, error.to_string())),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(bad(path, format!("the parquet library stopped: {}", text.unwrap_or_default())))
        }
    }
}

/// The values of one column in a batch of rows; `None` where the file has null.
enum Column {
    Text(Vec<Option<ByteArray>>),
    Whole(Vec<Option<i64>>),
    Real(Vec<Option<f64>>),
    Truth(Vec<Option<bool>>),
}

impl Column {
    fn read(reader: &mut ColumnReader, rows: usize) -> Result<Column, ParquetError> {
        Ok(match reader {
            ColumnReader::ByteArrayColumnReader(reader) => {
                Column::Text(values(reader, rows, |value: ByteArray| value)?)
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                Column::Text(values(reader, rows, ByteArray::from)?)
            }
            ColumnReader::Int32ColumnReader(reader) => {
                Column::Whole(values(reader, rows, i64::from)?)
            }
            ColumnReader::Int64ColumnReader(reader) => {
                Column::Whole(values(reader, rows, |value: i64| value)?)
            }
            ColumnReader::FloatColumnReader(reader) => {
                Column::Real(values(reader, rows, f64::from)?)
            }
            ColumnReader::DoubleColumnReader(reader) => {
                Column::Real(values(reader, rows, |value: f64| value)?)
            }
            ColumnReader::BoolColumnReader(reader) => {
                Column::Truth(values(reader, rows, |value: bool| value)?)
            }
            ColumnReader::Int96ColumnReader(_) => {
                return Err(ParquetError::General("found INT96 values".to_owned()));
            }
        })
    }

    fn len(&self) -> usize {
        match self {
            Column::Text(values) => values.len(),
            Column::Whole(values) => values.len(),
            Column::Real(values) => values.len(),
            Column::Truth(values) => values.len(),
        }
    }

    fn cell(&self, at: usize) -> Cell<'_> {
        match self {
            Column::Text(values) => value(values, at).map(|value| Cell::Text(value.data())),
            Column::Whole(values) => value(values, at).map(|&value| Cell::Whole(value)),
            // Tables that have no null for numbers, such as those of pandas, hold NaN instead.
            Column::Real(values) => {
                value(values, at).filter(|value| !value.is_nan()).map(|&value| Cell::Real(value))
            }
            Column::Truth(values) => value(values, at).map(|&value| Cell::Truth(value)),
        }
        .unwrap_or(Cell::Missing)
    }
}

fn value<T>(values: &[Option<T>], at: usize) -> Option<&T> {
    values.get(at).and_then(Option::as_ref)
}

fn values<D: DataType, T>(
    reader: &mut ColumnReaderImpl<D>,
    rows: usize,
    convert: impl Fn(D::T) -> T,
) -> Result<Vec<Option<T>>, ParquetError> {
    let mut levels = Vec::new();
    let mut stored = Vec::new();
    let mut read = 0;
    // A reader may stop early at the end of a page.
    while read < rows {
        let (records, _, _) =
            reader.read_records(rows - read, Some(&mut levels), None, &mut stored)?;
        if records == 0 {
            break;
        }
        read += records;
    }
    let mut stored = stored.into_iter().map(convert);
    // A column that cannot be null has no levels; in the others level 1 means that there is a
    // value.
    if levels.is_empty() {
        return Ok(stored.map(Some).collect());
    }
    levels
        .into_iter()
        .map(|level| match level {
            0 => Ok(None),
            _ => stored
                .next()
                .map(Some)
                .ok_or_else(|| ParquetError::General("found fewer values than levels".to_owned())),
        })
        .collect()
}
