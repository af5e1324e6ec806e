//! What is replaced by what: patterns that are tried in this order wherever a word begins, and lists of
//! words.

use std::sync::LazyLock;

use regex::Regex;

/// What happens to the text that a pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Keep,
    Replace(&'static str),
    /// Replaced, if it has a digit, a capital and a small letter, as random text of this length has.
    ReplaceRandom,
    /// An address of IP version 6, perhaps with a port.
    Address,
    /// Hexadecimal digits after `0x`.
    Hexadecimal,
    /// A number, which may be a code.
    Number,
}

/// Names of placeholders.
pub const PLACEHOLDERS: &str = "uuid|number|time|duration|size|path|host|address|value|id|url";

/// A number and a unit of time.
const DURATION: &str = r"\d+(?:[.,]\d+)*\s?(?:ns|us|µs|ms|msecs?|millis|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|weeks?)(?:\(s\)|\b)";

const DATE: &str = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:\s?(?:Z\b|UTC\b|GMT\b|[+-]\d\d:?\d\d\b))?";

const CLOCK: &str = r"\d{1,2}:\d\d:\d\d(?:[.,]\d+)?(?:\s?[AP]M\b)?";

const MONTH: &str = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*";

const EXTENSION: &str = r"(?i:jsx?|mjs|cjs|tsx?|py|rs|go|cs|java|kt|rb|php|cc?|cpp|hp?p?|csv|tsv|jsonl?|xml|xlsx?|docx?|pptx?|pdf|txt|log|part|tmp|temp|parquet|avro|orc|zip|gz|bz2|tar|7z|ya?ml|toml|ini|conf|html?|sql|db|dll|exe|so|jar|class|md|eml|msg|png|jpe?g|gif|pem|crt|key|bak|lock|dat|bin|000)";

/// The patterns, each anchored at a word's beginning.
pub static PATTERNS: LazyLock<Vec<(Regex, Action)>> = LazyLock::new(|| {
    use Action::{Address, Hexadecimal, Keep, Number, Replace, ReplaceRandom};
    let weekday = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
    let host_end = r"(?::\d{1,5}\b)?";
    [
        (format!("<(?:{PLACEHOLDERS})>"), Keep),
        (r"(?i:HTTP)/\d(?:\.\d)?\b".to_owned(), Keep),
        (r"SQLSTATE[\s\[:=(]*[0-9A-Z]{5}\b".to_owned(), Keep),
        // A database's error number with its SQLSTATE, and a mail server's reply.
        (r"\d{4,6} \([0-9A-Z]{5}\)".to_owned(), Keep),
        (r"[245]\d\d[ -][245]\.\d{1,3}\.\d{1,3}\b".to_owned(), Keep),
        (
            r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"
                .to_owned(),
            Replace("<uuid>"),
        ),
        (DATE.to_owned(), Replace("<time>")),
        (
            format!(
                r"(?:{weekday},? )?\d{{1,2}} {MONTH} \d{{4}}(?: {CLOCK})?(?: (?:GMT|UTC|[+-]\d{{4}}))?\b"
            ),
            Replace("<time>"),
        ),
        (
            format!(r"(?:{weekday} )?{MONTH} +\d{{1,2}},? (?:{CLOCK})?(?: ?\d{{4}})?\b"),
            Replace("<time>"),
        ),
        (
            format!(r"\d{{1,2}}(?:/\d{{1,2}}/|\.\d{{1,2}}\.)\d{{4}}\b(?:,? {CLOCK})?"),
            Replace("<time>"),
        ),
        (format!(r"{CLOCK}\b"), Replace("<time>")),
        (r"arn:aws[\w-]*:[^\s\x22',;)]+".to_owned(), Replace("<id>")),
        (
            r"(?:jdbc:)?[a-zA-Z][a-zA-Z0-9+.-]{0,30}://[^\s\x22'<>)\]},;]*[^\s\x22'<>)\]},;.:]"
                .to_owned(),
            Replace("<url>"),
        ),
        (r"<?[\w.+%-]+@[\w-]+(?:\.[\w-]+)+>?".to_owned(), Replace("<address>")),
        (r"[A-Za-z]:\\[^\s\x22'<>|,;)\]]*".to_owned(), Replace("<path>")),
        (r"\\\\[\w.$-]+\\[^\s\x22',;)\]]*".to_owned(), Replace("<path>")),
        // Directories and file names may have spaces before words that begin with a capital.
        (
            format!(
                r"(?:~|\.\.?)?/(?:[\w@+%&.-]+(?: [A-Z0-9][\w@+%&-]*){{0,3}}/)*[\w@+%&.-]+(?:(?: [\w@+%&-]+){{0,3}}\.{EXTENSION}\b)?(?:\?[^\s\x22']*)?/?(?::\d+)*"
            ),
            Replace("<path>"),
        ),
        (format!(r"(?:[\w@.-]+/)*[\w@.-]*\w\.{EXTENSION}(?::\d+)*\b"), Replace("<path>")),
        (r"\[?[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:%\w+)?(?:\](?::\d+)?)?".to_owned(), Address),
        (format!(r"\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?:/\d{{1,2}})?{host_end}"), Replace("<host>")),
        (
            format!(
                r"(?:\*\.)?(?:[a-z0-9_-]+\.)+(?:com|net|org|io|local|internal|lan|corp|cloud|intra|intranet|consul|localdomain|home|arpa|ad|edu|gov|mil|int|info|biz|dev|app|co|ai|eu|uk|us|de|dk|fr|nl|be|ch|at|se|no|fi|es|pt|it|pl|cz|jp|cn|kr|in|br|au|nz|ca|me|tv|ms|test|example|invalid)\b{host_end}"
            ),
            Replace("<host>"),
        ),
        (format!(r"localhost\b{host_end}"), Replace("<host>")),
        (r"[a-zA-Z][\w-]*(?:[.-][\w-]*)*\d[\w-]*(?:\.[\w-]+)*:\d{2,5}\b".to_owned(), Replace("<host>")),
        (r"0[xX][0-9a-fA-F]+\b".to_owned(), Hexadecimal),
        // As Go writes them: `1m30s`.
        (r"(?:\d+(?:\.\d+)?(?:ms|us|µs|ns|[dhms]))+\b".to_owned(), Replace("<duration>")),
        (format!(r"{DURATION}(?:\s?{DURATION})*"), Replace("<duration>")),
        (
            r"\d+(?:[.,]\d+)*(?:[kKMGTP]i?|\s?(?:[kKMGTP]i?[bB]|[kmgt]b|bytes?|B))\b".to_owned(),
            Replace("<size>"),
        ),
        (r"\d{1,3}(?:,\d{3})+(?:\.\d+)?\b".to_owned(), Replace("<number>")),
        (r"\d+(?:\.\d+)*\b".to_owned(), Number),
        // A pod of Kubernetes.
        (
            r"[a-z][a-z0-9-]*-[a-z0-9]{8,10}-[a-z0-9]{5}\b".to_owned(),
            Replace("<id>"),
        ),
        (r"[A-Za-z0-9+/_]{20,}={0,2}".to_owned(), ReplaceRandom),
    ]
    .into_iter()
    .map(|(pattern, action)| {
        let pattern = Regex::new(&format!("^(?:{pattern})")).expect("it is a pattern");
        (pattern, action)
    })
    .collect()
});

/// Runs of one placeholder, as lists have them.
pub static RUNS: LazyLock<Regex> = LazyLock::new(|| {
    let run = |name| format!("<{name}>(?:(?:, ?| | and |/|; ?)<{name}>)+");
    let runs: Vec<_> = PLACEHOLDERS.split('|').map(run).collect();
    Regex::new(&runs.join("|")).expect("it is a pattern")
});

/// Words that have digits and mean the same everywhere.
pub const TERMS: &[&str] = &[
    "utf8",
    "utf16",
    "sha1",
    "sha2",
    "sha256",
    "sha384",
    "sha512",
    "md5",
    "x509",
    "oauth2",
    "http1",
    "http2",
    "http3",
    "s3",
    "ec2",
    "ipv4",
    "ipv6",
    "base64",
    "win32",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "i32",
    "i64",
    "u8",
    "u32",
    "u64",
    "f32",
    "f64",
    "varchar2",
    "log4j",
    "log4j2",
    "sqlite3",
    "psycopg2",
    "psycopg3",
    "urllib3",
    "boto3",
    "botocore3",
    "ldap3",
    "db2",
    "h2",
    "oauth1",
    "web3",
    "k8s",
    "imap4",
    "pop3",
    "smb2",
    "smb3",
    "ssh2",
    "iso8601",
    "rfc3339",
    "pkcs12",
    "pkcs8",
    "aes256",
    "python3",
    "uuid4",
    "uuid7",
    "md4",
    "ntlmv2",
    "tls1",
    "net6",
    "net8",
];

/// Keys and nouns after which a quoted text is a part of the message itself.
pub const TELLING_KEYS: &[&str] = &[
    "error",
    "errors",
    "code",
    "errorcode",
    "error_code",
    "message",
    "msg",
    "desc",
    "description",
    "error_description",
    "reason",
    "status",
    "category",
    "cause",
    "detail",
    "details",
    "title",
    "type",
    "subcode",
    "kind",
    "fault",
    "faultstring",
    "exception",
    "errormessage",
];

/// Nouns that an unquoted name follows.
pub const NAMED: &[&str] = &[
    "table",
    "column",
    "relation",
    "database",
    "schema",
    "user",
    "role",
    "sequence",
    "view",
    "constraint",
    "bucket",
    "queue",
    "topic",
    "index",
    "account",
    "tenant",
    "dataset",
    "collection",
    "server",
    "login",
    "principal",
    "mailbox",
];

/// Words that a host's name follows.
pub const BEFORE_HOST: &[&str] =
    &["enotfound", "eai_again", "econnrefused", "etimedout", "lookup", "unknownhostexception"];
