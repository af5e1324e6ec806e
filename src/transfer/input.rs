//! Opening import files: compression, archives and character encodings. What comes out is a stream
//! of UTF-8 bytes; a byte that is not valid in the file's encoding comes out as `0xFF`, which is not
//! valid UTF-8 either, so that the row it is in is rejected.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use zip::CompressionMethod;

/// How much of a file's start is looked at to tell what it is.
pub const PEEK_BYTES: u64 = 1 << 16;

const BUFFER_BYTES: usize = 1 << 16;

/// The entries that an archive may have.
const ARCHIVE_ENTRIES: usize = 10_000;

/// Stands for what is not valid in a file's encoding.
const INVALID: u8 = 0xff;

pub type Reader = Box<dyn Read + Send>;

/// How much of a file was read, for a progress bar to look at.
#[derive(Clone, Debug)]
pub struct Progress {
    /// `None` for standard input and pipes.
    pub bytes_total: Option<u64>,
    pub bytes_read: Arc<AtomicU64>,
}

/// Where rows are read from: a file, an entry of a zip archive, or standard input.
#[derive(Clone, Debug)]
pub struct Input {
    /// What messages call it.
    pub name: String,
    path: PathBuf,
    entry: Option<Entry>,
}

/// An entry of a zip archive.
#[derive(Clone, Debug)]
struct Entry {
    offset: u64,
    compressed_size: u64,
    size: u64,
    crc32: u32,
    is_deflated: bool,
}

/// A file that is open, decompressed and decoded to UTF-8.
pub struct Opened {
    pub start: Vec<u8>,
    /// The whole content, from `start` on.
    pub content: Reader,
    /// What was decoded, such as `gzip` or `UTF-16LE`.
    pub layers: Vec<String>,
    pub progress: Progress,
}

impl Input {
    /// The inputs that a path names: one, or those in a zip archive. `-` is standard input.
    ///
    /// # Errors
    /// Why it cannot be read, in words that name no file.
    pub fn locate(path: &Path) -> Result<Vec<Self>, String> {
        let whole = |name: String| Self { name, path: path.to_owned(), entry: None };
        if path == Path::new("-") {
            return Ok(vec![whole("standard input".to_owned())]);
        }
        let name = path.display().to_string();
        let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
        if metadata.is_dir() {
            return Err("it is a folder".to_owned());
        }
        if !metadata.is_file() {
            return Ok(vec![whole(name)]);
        }
        let mut file = File::open(path).map_err(|error| error.to_string())?;
        let mut magic = Vec::new();
        file.by_ref().take(4).read_to_end(&mut magic).map_err(|error| error.to_string())?;
        if !is_zip(&magic) {
            return Ok(vec![whole(name)]);
        }
        let entries = zip_entries(file)?;
        if entries.is_empty() {
            return Err("it is a zip archive without files".to_owned());
        }
        Ok(entries
            .into_iter()
            .map(|(entry_name, entry)| Self {
                name: format!("{name}/{entry_name}"),
                path: path.to_owned(),
                entry: Some(entry),
            })
            .collect())
    }

    /// Whether it can be opened more than once.
    pub fn can_be_reopened(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.is_file())
    }

    /// Opens it.
    ///
    /// # Errors
    /// Why it cannot be read, in words that name no file.
    pub fn open(&self, encoding: Option<&'static Encoding>) -> Result<Opened, String> {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let mut bytes_total = None;
        let raw: Reader = if self.path == Path::new("-") {
            Box::new(Counted(io::stdin(), Arc::clone(&bytes_read)))
        } else {
            let mut file = File::open(&self.path).map_err(|error| error.to_string())?;
            let metadata = file.metadata().map_err(|error| error.to_string())?;
            match &self.entry {
                None => {
                    bytes_total = metadata.is_file().then_some(metadata.len());
                    Box::new(Counted(file, Arc::clone(&bytes_read)))
                }
                Some(entry) => {
                    bytes_total = Some(entry.compressed_size);
                    file.seek(SeekFrom::Start(entry.offset)).map_err(|error| error.to_string())?;
                    let file = Counted(file, Arc::clone(&bytes_read)).take(entry.compressed_size);
                    let content: Reader = if entry.is_deflated {
                        Box::new(DeflateDecoder::new(file))
                    } else {
                        Box::new(file)
                    };
                    let (size, crc32) = (entry.size, entry.crc32);
                    Box::new(Checked { content, crc: flate2::Crc::new(), read: 0, size, crc32 })
                }
            }
        };
        let layers = self.entry.iter().map(|_| "zip".to_owned()).collect();
        decode(raw, layers, encoding, Progress { bytes_total, bytes_read })
    }
}

/// Decompresses content and decodes it to UTF-8.
pub(super) fn decode(
    raw: Reader,
    mut layers: Vec<String>,
    encoding: Option<&'static Encoding>,
    progress: Progress,
) -> Result<Opened, String> {
    let (start, content) = peek(raw)?;
    let (start, content) = if start.starts_with(&[0x1f, 0x8b]) {
        layers.push("gzip".to_owned());
        peek(Box::new(MultiGzDecoder::new(content)))?
    } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        layers.push("zstd".to_owned());
        let decoder = zstd::stream::read::Decoder::new(content);
        peek(Box::new(decoder.map_err(|error| error.to_string())?))?
    } else {
        (start, content)
    };
    if let Some(what) = foreign_format(&start) {
        return Err(what.to_owned());
    }
    let encoding = encoding.or_else(|| utf16(&start)).filter(|encoding| *encoding != UTF_8);
    let (mut start, mut content) = match encoding {
        None => (start, content),
        Some(encoding) => {
            layers.push(encoding.name().to_owned());
            peek(Box::new(Transcoder::new(content, encoding)))?
        }
    };
    if start.starts_with("\u{feff}".as_bytes()) {
        content.read_exact(&mut [0; 3]).map_err(|error| error.to_string())?;
        start.drain(..3);
    }
    Ok(Opened { start, content, layers, progress })
}

/// The start of a stream, and the whole of it.
fn peek(mut content: Reader) -> Result<(Vec<u8>, Reader), String> {
    let mut start = Vec::new();
    content.by_ref().take(PEEK_BYTES).read_to_end(&mut start).map_err(|error| error.to_string())?;
    let whole = Box::new(Cursor::new(start.clone()).chain(content));
    Ok((start, whole))
}

fn is_zip(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06")
}

/// What a file is that this service does not read, by its first bytes, and what to do about it.
fn foreign_format(start: &[u8]) -> Option<&'static str> {
    const FORMATS: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "it is a zip archive, which can only be read from a file; unpack it first"),
        (b"\xfd7zXZ\0", "it is compressed with xz; unpack it first"),
        (b"BZh", "it is compressed with bzip2; unpack it first"),
        (b"7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive; unpack it first"),
        (b"Rar!", "it is a RAR archive; unpack it first"),
        (b"SQLite format 3\0", "it is an SQLite database; export its tables as CSV or NDJSON"),
        (b"PGDMP", "it is a dump of pg_dump; export the tables as CSV, with \\copy for example"),
        (b"PAR1", "it is a Parquet file; export the table as CSV or NDJSON"),
        (b"ARROW1", "it is an Arrow file; export the table as CSV or NDJSON"),
        (b"Obj\x01", "it is an Avro file; export the table as CSV or NDJSON"),
        (b"\xd0\xcf\x11\xe0", "it is an Excel workbook; save it as \"CSV UTF-8\""),
        (b"%PDF", "it is a PDF; export the table as CSV or NDJSON"),
    ];
    if start.get(257..262) == Some(b"ustar") {
        return Some("it is a tar archive; unpack it first");
    }
    FORMATS.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, what)| *what)
}

/// Whether text is UTF-16: by its byte order mark, or by every other byte of its start being zero,
/// as it is in names and ids.
fn utf16(start: &[u8]) -> Option<&'static Encoding> {
    if start.starts_with(&[0xff, 0xfe]) {
        return Some(UTF_16LE);
    }
    if start.starts_with(&[0xfe, 0xff]) {
        return Some(UTF_16BE);
    }
    let start = &start[..start.len().min(512)];
    let zeros =
        |first: usize| start.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), start.len() / 2);
    if pairs >= 2 && odd * 2 > pairs && even * 10 < pairs {
        Some(UTF_16LE)
    } else if pairs >= 2 && even * 2 > pairs && odd * 10 < pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// The files in an archive, with their names.
fn zip_entries(file: File) -> Result<Vec<(String, Entry)>, String> {
    let broken =
        |error: &dyn std::fmt::Display| format!("it is a zip archive that cannot be read: {error}");
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|error| broken(&error))?;
    if archive.len() > ARCHIVE_ENTRIES {
        return Err(format!("it is a zip archive of more than {ARCHIVE_ENTRIES} files"));
    }
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| broken(&error))?;
        let name = entry.name().map_err(|error| broken(&error))?.into_owned();
        if name == "[Content_Types].xml" {
            return Err("it is an Excel workbook; save it as \"CSV UTF-8\"".to_owned());
        }
        // macOS adds a folder of attributes.
        if entry.is_dir() || name.starts_with("__MACOSX/") {
            continue;
        }
        if entry.encrypted() {
            return Err(format!("{name} in it is encrypted; unpack it first"));
        }
        let is_deflated = match entry.compression() {
            CompressionMethod::STORE => false,
            CompressionMethod::DEFLATE => true,
            other => {
                return Err(format!("{name} in it is compressed with {other}; unpack it first"));
            }
        };
        let offset = entry.data_start().ok_or_else(|| broken(&"an entry has no content"))?;
        entries.push((
            name,
            Entry {
                offset,
                compressed_size: entry.compressed_size(),
                size: entry.size(),
                crc32: entry.crc32(),
                is_deflated,
            },
        ));
    }
    Ok(entries)
}

struct Counted<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(buffer)?;
        self.1.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Content whose length and checksum an archive tells.
struct Checked {
    content: Reader,
    crc: flate2::Crc,
    read: u64,
    size: u64,
    crc32: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.content.read(buffer)?;
        self.crc.update(&buffer[..n]);
        self.read += n as u64;
        if n == 0 && !buffer.is_empty() && (self.read != self.size || self.crc.sum() != self.crc32)
        {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the archive is damaged"));
        }
        Ok(n)
    }
}

/// Decodes text to UTF-8.
struct Transcoder<R> {
    inner: R,
    decoder: Decoder,
    input: Vec<u8>,
    /// What of `input` is not decoded yet.
    pending: std::ops::Range<usize>,
    is_at_end: bool,
    is_done: bool,
    output: Vec<u8>,
    position: usize,
}

impl<R: Read> Transcoder<R> {
    fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            decoder: encoding.new_decoder_with_bom_removal(),
            input: vec![0; BUFFER_BYTES],
            pending: 0..0,
            is_at_end: false,
            is_done: false,
            output: Vec::new(),
            position: 0,
        }
    }

    /// Decodes what is pending, as far as it fits into the output.
    fn decode(&mut self) {
        let (result, read, written) = {
            self.output.resize(BUFFER_BYTES, 0);
            self.decoder.decode_to_utf8_without_replacement(
                &self.input[self.pending.clone()],
                &mut self.output,
                self.is_at_end,
            )
        };
        self.position = 0;
        self.pending.start += read;
        self.output.truncate(written);
        if let DecoderResult::Malformed(..) = result {
            self.output.push(INVALID);
        }
        self.is_done = self.is_at_end && result == DecoderResult::InputEmpty;
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.position == self.output.len() && !self.is_done {
            if self.pending.is_empty() && !self.is_at_end {
                let n = self.inner.read(&mut self.input)?;
                self.pending = 0..n;
                self.is_at_end = n == 0;
            }
            self.decode();
        }
        let n = buffer.len().min(self.output.len() - self.position);
        buffer[..n].copy_from_slice(&self.output[self.position..self.position + n]);
        self.position += n;
        Ok(n)
    }
}
