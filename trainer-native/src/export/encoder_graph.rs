//! The encoder's part of a bundle's graph, to which another head is added.
//!
//! Nodes after `embedding` are the head's and are left out. A table with a row for each token may get further
//! columns, whose sums become coordinates of the embedding before its length; known columns stay as they are, byte by
//! byte.

use prost::Message;
use tract_onnx::pb;
use tract_onnx::pb::tensor_proto::DataType;

use super::graph::Graph;
use super::head_graph::bad_model;
use super::quantise::{self, Bits};
use crate::encoder::of_bundle::{BundleEncoder, TokenTable};
use crate::encoder::static_table::StaticTable;
use crate::error::TrainerError;

const EMBEDDING: &str = "embedding";
/// Names of the tables with a row for each token: of a table of pieces, and of a transformer.
const TABLES: [(&str, bool); 2] = [("table", false), ("token_rows", true)];
/// The function that sums the rows of these tables.
const BAG: &str = "NgramBagInt8";

/// The nodes and constants from the inputs to `embedding`.
pub struct EncoderGraph {
    model: pb::ModelProto,
    table: Option<Table>,
}

/// A table whose rows are summed over a query's tokens.
#[derive(Clone, Copy)]
struct Table {
    name: &'static str,
    rows: usize,
    width: usize,
    is_sequence: bool,
}

impl EncoderGraph {
    /// Reads `model.onnx` without its head.
    ///
    /// # Errors
    /// `bundle_bad_model` where the bytes are no ONNX file, or no node computes `embedding`.
    pub fn read(bytes: &[u8]) -> Result<Self, TrainerError> {
        let mut model = pb::ModelProto::decode(bytes).map_err(|e| bad_model(e.to_string()))?;
        let graph = model.graph.get_or_insert_default();
        let by = |node: &pb::NodeProto| node.output.iter().any(|output| output == EMBEDDING);
        let last = graph.node.iter().position(by);
        let last = last.ok_or_else(|| bad_model(format!("no node computes {EMBEDDING:?}")))?;
        graph.node.truncate(last + 1);
        let used = |name: &String| graph.node.iter().any(|node| node.input.contains(name));
        let kept: Vec<bool> = graph.initializer.iter().map(|c| used(&c.name)).collect();
        let mut kept = kept.into_iter();
        graph.initializer.retain(|_| kept.next().unwrap_or_default());
        graph.output.clear();
        let bags: Vec<&str> = graph
            .node
            .iter()
            .filter(|node| node.op_type == BAG)
            .flat_map(|node| node.input.iter().map(String::as_str))
            .collect();
        let found = TABLES.into_iter().find_map(|(name, is_sequence)| {
            let table =
                graph.initializer.iter().find(|c| c.name == name && bags.contains(&name))?;
            let [rows, width] = table.dims[..] else { return None };
            let [rows, width] = [rows, width].map(|dim| usize::try_from(dim).unwrap_or_default());
            Some(Table { name, rows, width, is_sequence })
        });
        Ok(Self { model, table: found })
    }

    /// The table whose rows are summed over a query's tokens, where the encoder has one.
    #[must_use]
    pub fn token_table(&self) -> Option<TokenTable> {
        self.table.map(|Table { rows, is_sequence, .. }| TokenTable { rows, is_sequence })
    }

    /// Adds the columns of `added` `[V, A]` to the token table, in int8 with one scale a column.
    ///
    /// # Errors
    /// `bundle_bad_model` where there is no table of that many rows, or its constants are damaged.
    fn with_columns(mut self, added: &StaticTable) -> Result<Self, TrainerError> {
        let Some(table) = self.table.filter(|table| table.rows == added.rows) else {
            return Err(bad_model(format!("it has no table of {} tokens", added.rows)));
        };
        let width = table.width + added.width;
        let quantised = quantise::columns(&added.values, added.width, Bits::Eight);
        let values = self.constant(table.name, DataType::Int8, table.rows * table.width)?;
        let rows = values.raw_data.chunks_exact(table.width);
        let own = quantised.values.chunks_exact(added.width);
        values.raw_data = rows
            .zip(own)
            .flat_map(|(row, own)| row.iter().copied().chain(own.iter().map(|v| v.cast_unsigned())))
            .collect();
        values.dims = vec![table.rows as i64, width as i64];
        let scales =
            self.constant(&format!("{}_scales", table.name), DataType::Float, table.width * 4)?;
        scales.raw_data.extend(quantised.scales.iter().flat_map(|scale| scale.to_le_bytes()));
        scales.dims = vec![width as i64];
        self.table = Some(Table { width, ..table });
        Ok(self)
    }

    /// A constant of that name, type and number of bytes.
    fn constant(
        &mut self,
        name: &str,
        kind: DataType,
        bytes: usize,
    ) -> Result<&mut pb::TensorProto, TrainerError> {
        let constants = self.model.graph.iter_mut().flat_map(|graph| &mut graph.initializer);
        let mut fitting = constants.filter(|constant| {
            constant.name == name
                && constant.data_type == kind as i32
                && constant.raw_data.len() == bytes
        });
        let missing = || bad_model(format!("it has no constant {name:?} of {bytes} bytes"));
        fitting.next().ok_or_else(missing)
    }

    /// The graph of a bundle's encoder, to which a head is added, and the name of the embedding.
    pub(super) fn of(bundle: &BundleEncoder) -> Result<(Graph, String), TrainerError> {
        let graph = Self::read(&bundle.model)?;
        let graph = match &bundle.added {
            Some(added) => graph.with_columns(added)?,
            None => graph,
        };
        Ok((Graph::of(graph.model), EMBEDDING.into()))
    }
}
