//! Writing statistics to a file.

use std::io::{self, Write};

use serde_json::Value;

use super::export::{FileFormat, io_error};
use crate::jobs::statistics::read::Row;
use crate::jobs::statistics::record;

/// Writes a record for each row. In CSV null is an empty cell.
pub fn write(rows: &[Row], format: FileFormat, output: impl Write) -> io::Result<()> {
    match format {
        FileFormat::Csv => {
            let mut writer = csv::Writer::from_writer(output);
            writer.write_record(record::VALUES.iter().map(|(name, ..)| name)).map_err(io_error)?;
            for row in rows {
                let cells = record::values(row).into_iter().map(|value| match value {
                    Value::Null => String::new(),
                    Value::String(text) => text,
                    other => other.to_string(),
                });
                writer.write_record(cells).map_err(io_error)?;
            }
            writer.flush()
        }
        FileFormat::Ndjson => {
            let mut writer = io::BufWriter::new(output);
            for row in rows {
                writeln!(writer, "{}", Value::from(record::object(row)))?;
            }
            writer.flush()
        }
    }
}
