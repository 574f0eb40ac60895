//! A ledger as a table in the form of Parquet, so that other programs can be asked what this one does not answer: a row
//! for each request, or by hour (`hours.rs`). Owns the columns: `authfault-requests/1` and `authfault-hours/1`, to which
//! others may be added.

mod hours;

use crate::model::{
    logged::inert,
    tally::{Ledger, Names, Seen, Shape},
};
use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::parser::parse_message_type,
};
use std::{io::Write, sync::Arc};

/// Sorted by client, then time. Texts are inert, as in reports; what was not logged is empty.
const COLUMNS: &str = "
    message requests {
        required int64 time (TIMESTAMP(MILLIS,true));
        required binary client (STRING);
        required binary user_agent (STRING);
        required binary host (STRING);
        required binary path (STRING);
        required binary method (STRING);
        required binary protocol (STRING);
        required binary upstream (STRING);
        required int32 status;
        required binary user (STRING);
    }";
const SCHEMA: &str = "authfault-requests/1";
/// Rows that are written together.
const GROUP_ROWS: usize = 1 << 18;

/// What a table has rows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Each request.
    Requests,
    /// Each hour, host, path and status, with a sketch of its clients.
    Hours,
}

impl Table {
    /// Writes the rows of the clients that are kept.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(self, ledger: &Ledger, out: impl Write + Send) -> Result<(), ParquetError> {
        match self {
            Self::Requests => write(ledger, out),
            Self::Hours => hours::write(ledger, out),
        }
    }
}

/// A request; `user` is the claimed one of a refusal.
struct Row {
    client: usize,
    seen: Seen,
    user: u32,
}

fn write(ledger: &Ledger, out: impl Write + Send) -> Result<(), ParquetError> {
    let mut file = file(out, COLUMNS, SCHEMA, ledger)?;
    let texts = Texts::new(ledger);
    let mut rows = rows(ledger).peekable();
    while rows.peek().is_some() {
        let group: Vec<Row> = rows.by_ref().take(GROUP_ROWS).collect();
        let mut columns = file.next_row_group()?;
        for column in 0.. {
            let Some(writer) = columns.next_column()? else { break };
            texts.write(column, &group, ledger, writer)?;
        }
        columns.close()?;
    }
    file.close()?;
    Ok(())
}

/// A file without rows yet, which says what it is and whose requests are in it.
fn file<W: Write + Send>(
    out: W,
    columns: &str,
    schema: &str,
    ledger: &Ledger,
) -> Result<SerializedFileWriter<W>, ParquetError> {
    let about = |key: &str, value: String| KeyValue::new(format!("authfault.{key}"), value);
    let about =
        vec![about("schema", schema.to_owned()), about("kept_one_in", (1_u64 << ledger.kept.level).to_string())];
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("authfault".to_owned())
        .set_key_value_metadata(Some(about));
    SerializedFileWriter::new(out, Arc::new(parse_message_type(columns)?), Arc::new(properties.build()))
}

/// All requests. Refusals are in the order of the visits that they belong to.
fn rows(ledger: &Ledger) -> impl Iterator<Item = Row> {
    (0..ledger.clients.len()).flat_map(move |client| {
        let mut refusals = ledger.refusals_of(client).iter();
        ledger.visits_of(client).iter().map(move |seen| {
            let is_refused = ledger.shapes.get(seen.shape()).is_some_and(Shape::refused);
            let refusal = if is_refused { refusals.next() } else { None };
            Row { client, seen: *seen, user: refusal.map_or(0, |refusal| refusal.user) }
        })
    })
}

/// Each text once; rows share them.
struct Texts {
    names: Vec<ByteArray>,
    agents: Vec<ByteArray>,
    clients: Vec<ByteArray>,
}

impl Texts {
    fn new(ledger: &Ledger) -> Self {
        let text = |bytes: &[u8]| ByteArray::from(inert(bytes).into_bytes());
        let all = |names: &Names| (0..names.len() as u32).map(|at| text(names.get(at))).collect();
        let clients = ledger.clients.iter().map(|key| text(&ledger.address(key))).collect();
        Self { names: all(&ledger.names), agents: all(&ledger.agents), clients }
    }

    /// One of the columns in their order.
    fn write(
        &self,
        column: usize,
        rows: &[Row],
        ledger: &Ledger,
        writer: SerializedColumnWriter<'_>,
    ) -> Result<(), ParquetError> {
        let shape = |row: &Row| ledger.shapes.get(row.seen.shape()).copied().unwrap_or_default();
        let agent = |row: &Row| ledger.clients.get(row.client).map_or(0, |key| key.agent);
        let name = |of: fn(&Shape) -> u32| {
            let of = move |row: &Row| self.names.get(of(&shape(row)) as usize).cloned().unwrap_or_default();
            rows.iter().map(of).collect::<Vec<_>>()
        };
        let texts = match column {
            0 => {
                let times: Vec<i64> = rows.iter().map(|row| i64::from(row.seen.time().0) * 1000).collect();
                return put::<Int64Type>(writer, &times);
            }
            1 => rows.iter().map(|row| self.clients.get(row.client).cloned().unwrap_or_default()).collect(),
            2 => rows.iter().map(|row| self.agents.get(agent(row) as usize).cloned().unwrap_or_default()).collect(),
            3 => name(|shape| shape.vhost),
            4 => name(|shape| shape.path),
            5 => name(|shape| shape.method),
            6 => name(|shape| shape.protocol),
            7 => name(|shape| shape.upstream),
            8 => {
                let statuses: Vec<i32> = rows.iter().map(|row| shape(row).status.into()).collect();
                return put::<Int32Type>(writer, &statuses);
            }
            _ => rows.iter().map(|row| self.names.get(row.user as usize).cloned().unwrap_or_default()).collect(),
        };
        put::<ByteArrayType>(writer, &texts)
    }
}

fn put<T: DataType>(mut writer: SerializedColumnWriter<'_>, values: &[T::T]) -> Result<(), ParquetError> {
    writer.typed::<T>().write_batch(values, None, None)?;
    writer.close()
}
