//! Requests and distinct clients by hour, host, path and status. A client is in many of these rows, so their numbers do
//! not add up; the sketches do, in any order, and are what Apache DataSketches reads wherever it is built in.

use super::{Texts, file, put};
use crate::model::tally::{ClientKey, Ledger};
use datasketches::{
    error::Error,
    hash::value::raw_bytes,
    hll::{Coupon, HllSketch, HllType, HllUnion},
};
use parquet::{
    data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type},
    errors::ParquetError,
    file::writer::SerializedColumnWriter,
};
use std::io::Write;

/// Sorted by the first four; a sketch is of the texts `client user_agent`, as they stand in the table of requests.
const COLUMNS: &str = "
    message hours {
        required int64 hour (TIMESTAMP(MILLIS,true));
        required binary host (STRING);
        required binary path (STRING);
        required int32 status;
        required int64 requests;
        required int64 clients;
        required binary clients_hll;
    }";
const SCHEMA: &str = "authfault-hours/1";
const HOUR_SECS: u32 = 3600;
/// 2^12 registers, as Spark has where nothing is said: 1.04 / sqrt(4096) = 1.6 % is the standard error.
const LG_K: u8 = 12;
/// Rows that are written together; a sketch has 4136 bytes at most.
const GROUP_ROWS: usize = 1 << 14;

/// Host, path and status: numbers of names are their order.
type Kind = (u32, u32, u16);

/// The requests of one client in one row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    hour: u32,
    /// Index into the kinds.
    kind: u32,
    client: u32,
    requests: u32,
}

/// An hour of one kind.
struct Row<'c> {
    hour: u32,
    kind: Kind,
    /// Client by client; at least one.
    cells: &'c [Cell],
}

impl<'c> Row<'c> {
    fn new(cells: &'c [Cell], kinds: &[Kind]) -> Option<Self> {
        let first = cells.first()?;
        Some(Self { hour: first.hour, kind: *kinds.get(first.kind as usize)?, cells })
    }
}

/// Writes a row for each hour and kind in which there was a request.
pub(super) fn write(ledger: &Ledger, out: impl Write + Send) -> Result<(), ParquetError> {
    let mut kinds: Vec<Kind> = ledger.shapes.iter().map(|shape| (shape.vhost, shape.path, shape.status)).collect();
    let of_shape = kinds.clone();
    kinds.sort_unstable();
    kinds.dedup();
    let of_shape: Vec<u32> = of_shape.iter().map(|kind| kinds.partition_point(|other| other < kind) as u32).collect();
    let cells = cells(ledger, &of_shape);
    let row = |cells| Row::new(cells, &kinds);
    let rows: Vec<Row<'_>> = cells.chunk_by(|a, b| (a.hour, a.kind) == (b.hour, b.kind)).filter_map(row).collect();

    let texts = Texts::new(ledger);
    let coupons = coupons(&texts, ledger);
    let mut file = file(out, COLUMNS, SCHEMA, ledger)?;
    for group in rows.chunks(GROUP_ROWS) {
        let mut columns = file.next_row_group()?;
        for column in 0.. {
            let Some(writer) = columns.next_column()? else { break };
            write_column(column, group, &texts.names, &coupons, writer)?;
        }
        columns.close()?;
    }
    file.close()?;
    Ok(())
}

/// One of the columns in their order.
fn write_column(
    column: usize,
    rows: &[Row<'_>],
    names: &[ByteArray],
    coupons: &[Coupon],
    writer: SerializedColumnWriter<'_>,
) -> Result<(), ParquetError> {
    let name = |of: fn(&Kind) -> u32| {
        let of = |row: &Row<'_>| names.get(of(&row.kind) as usize).cloned().unwrap_or_default();
        rows.iter().map(of).collect()
    };
    let number = |of: &dyn Fn(&Row<'_>) -> i64| rows.iter().map(of).collect::<Vec<_>>();
    let texts: Vec<ByteArray> = match column {
        0 => return put::<Int64Type>(writer, &number(&|row| i64::from(row.hour) * i64::from(HOUR_SECS) * 1000)),
        1 => name(|kind| kind.0),
        2 => name(|kind| kind.1),
        3 => return put::<Int32Type>(writer, &rows.iter().map(|row| row.kind.2.into()).collect::<Vec<_>>()),
        4 => {
            let requests = |row: &Row<'_>| row.cells.iter().map(|cell| i64::from(cell.requests)).sum();
            return put::<Int64Type>(writer, &number(&requests));
        }
        5 => return put::<Int64Type>(writer, &number(&|row| row.cells.len() as i64)),
        _ => {
            let coupon = |cell: &Cell| coupons.get(cell.client as usize).copied();
            let sketches = rows.iter().map(|row| sketch(row.cells.iter().filter_map(coupon)).map(ByteArray::from));
            sketches.collect::<Result<_, _>>().map_err(|error| ParquetError::External(error.into()))?
        }
    };
    put::<ByteArrayType>(writer, &texts)
}

/// Sorted, so that the clients of a row stand together.
fn cells(ledger: &Ledger, kind_of_shape: &[u32]) -> Vec<Cell> {
    let (mut cells, mut own) = (Vec::new(), Vec::new());
    for client in 0..ledger.clients.len() {
        let kind = |shape: usize| kind_of_shape.get(shape).copied().unwrap_or_default();
        own.clear();
        own.extend(ledger.visits_of(client).iter().map(|seen| (seen.time().0 / HOUR_SECS, kind(seen.shape()))));
        own.sort_unstable();
        cells.extend(own.chunk_by(|a, b| a == b).filter_map(|same| {
            let (hour, kind) = *same.first()?;
            Some(Cell { hour, kind, client: client as u32, requests: same.len() as u32 })
        }));
    }
    cells.sort_unstable();
    cells
}

/// Each client as sketches take it: the bytes of its text, so that a sketch made elsewhere of the same text fits.
fn coupons(texts: &Texts, ledger: &Ledger) -> Vec<Coupon> {
    let coupon = |(address, key): (&ByteArray, &ClientKey)| {
        let agent = texts.agents.get(key.agent as usize).map(ByteArray::data).unwrap_or_default();
        Coupon::from_value(raw_bytes::from_vec([address.data(), b" ", agent].concat()))
    };
    texts.clients.iter().zip(&ledger.clients).map(coupon).collect()
}

fn sketch(clients: impl Iterator<Item = Coupon>) -> Result<Vec<u8>, Error> {
    let mut sketch = HllSketch::new(LG_K, HllType::Hll8)?;
    clients.for_each(|client| sketch.update_with_coupon(client));
    // A sketch that was filled one by one estimates by the order in which that was done, and hands this on when it is
    // merged. One that was merged, be it with itself, estimates by its registers alone.
    let mut union = HllUnion::new(LG_K)?;
    union.update(&sketch);
    union.update(&sketch);
    Ok(union.to_sketch(HllType::Hll8).serialize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u32) -> Coupon {
        Coupon::from_value(raw_bytes::from_vec(number.to_le_bytes().to_vec()))
    }

    fn union(sketches: &[Vec<u8>]) -> HllUnion {
        let mut union = HllUnion::new(LG_K).unwrap();
        sketches.iter().for_each(|bytes| union.update(&HllSketch::deserialize(bytes).unwrap()));
        union
    }

    #[test]
    fn sketches_merge_in_any_order() {
        // A list, sets, and registers, which overlap.
        let bounds = [0..3, 2..200, 100..450, 400..3000, 1000..9000, 8000..20_000];
        let mut sketches: Vec<Vec<u8>> = bounds.iter().map(|b| sketch(b.clone().map(client)).unwrap()).collect();
        let whole = union(&[sketch((0..20_000).map(client)).unwrap()]);
        for turn in 0..sketches.len() {
            sketches.rotate_left(1);
            sketches.swap(turn, 0);
            let merged = union(&sketches);
            assert_eq!(merged.composite_estimate(), whole.composite_estimate());
            // What others ask for. It is the same where one sketch at least has registers.
            assert_eq!(merged.estimate(), whole.estimate());
            assert_eq!(merged.to_sketch(HllType::Hll8).serialize(), whole.to_sketch(HllType::Hll8).serialize());
        }
    }

    #[test]
    fn a_sketch_does_not_depend_on_the_order_of_its_clients() {
        let forth = sketch((0..5000).map(client)).unwrap();
        assert_eq!(forth, sketch((0..5000).rev().map(client)).unwrap());
        assert_eq!(forth.len(), 4136);
    }

    #[test]
    fn an_estimate_is_within_its_error() {
        // Few are told exactly, as far as 26 bits of hash tell them apart.
        for few in [1, 8, 100, 384] {
            let estimate = union(&[sketch((0..few).map(client)).unwrap()]).composite_estimate();
            assert!((estimate - f64::from(few)).abs() < 0.01 * f64::from(few), "{estimate} for {few}");
        }
        // Of a hundred sets each of other clients, 95 should be within two standard errors, and the mean without bias.
        let (mut within, mut sum) = (0, 0.0);
        for set in 0..100 {
            let estimate =
                union(&[sketch((0..10_000).map(|n| client(set * 10_000 + n))).unwrap()]).composite_estimate();
            let error = estimate / 10_000.0 - 1.0;
            within += u32::from(error.abs() < 2.0 * 0.01625);
            sum += error;
        }
        assert!(within >= 90, "{within}");
        assert!(sum.abs() / 100.0 < 0.005, "{sum}");
    }
}
