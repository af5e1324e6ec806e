//! Which numbers are codes: of HTTP, of databases, of operating systems. Codes stay.

/// Words that a code follows.
const BEFORE_CODE: &[&str] = &[
    "http",
    "status",
    "statuscode",
    "status_code",
    "code",
    "errorcode",
    "error_code",
    "errno",
    "error",
    "err",
    "msg",
    "sqlcode",
    "sqlstate",
    "exitcode",
    "rc",
    "hresult",
    "level",
    "state",
    "class",
    "signal",
    "curl",
    "problem",
    "winerror",
    "errcode",
    "subcode",
    "returncode",
];

/// Words that an HTTP status follows, if it is followed by none that it could count.
const BEFORE_STATUS: &[&str] = &[
    "returned",
    "returns",
    "got",
    "received",
    "responded",
    "response",
    "answered",
    "with",
    "was",
    "a",
    "an",
];

/// The beginnings of HTTP's reason phrases, and how libraries describe statuses.
const REASONS: &[&str] = &[
    "bad request",
    "unauthorized",
    "payment required",
    "forbidden",
    "not found",
    "method not allowed",
    "not acceptable",
    "proxy authentication",
    "request time",
    "conflict",
    "gone",
    "length required",
    "precondition",
    "payload too",
    "request entity",
    "content too",
    "uri too",
    "request-uri",
    "unsupported media",
    "unprocessable",
    "locked",
    "failed dependency",
    "too many",
    "client error",
    "server error",
    "internal server",
    "internal error",
    "not implemented",
    "bad gateway",
    "service unavailable",
    "service temporarily",
    "gateway time",
    "insufficient storage",
    "moved permanently",
    "temporary redirect",
    "see other",
];

/// Words after which a number is counted by no word that follows.
const NOT_COUNTED: &[&str] = &[
    "from", "for", "on", "at", "to", "after", "while", "when", "by", "in", "error", "errors",
    "status", "response", "during", "and", "but", "because",
];

/// Products whose error codes are letters, a hyphen and a number.
const PREFIXES: &[&str] = &[
    "ORA", "TNS", "PLS", "SP2", "DPY", "DPI", "NJS", "IMP", "EXP", "RMAN", "SQL", "DB2", "DSRA",
    "WFLYCTL", "CDM", "CVE", "MSB", "CS", "KB", "IIS", "AUTH", "ERR", "ERROR", "CRM", "AADSTS",
    "JBAS", "SQLCODE",
];

fn is_status(number: &str) -> bool {
    matches!(number.parse(), Ok(301..=308 | 400..=431 | 451 | 499..=511 | 520..=527_u16))
}

/// The last word of a text, in small letters, without the marks after it.
pub fn last_word(text: &str) -> String {
    let marks = [' ', ':', '=', '#', '(', '[', '{', '-', '"', '\'', '>', ','];
    let text = text.trim_end_matches(marks);
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let start = text
        .rfind(|letter: char| !is_part(letter))
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    text[start..].to_lowercase()
}

/// Whether a number between these texts is a code.
pub fn is_code(before: &str, number: &str, after: &str) -> bool {
    if number.contains('.') || number.len() > 11 {
        return false;
    }
    let word = last_word(before);
    // A comma separates what the word before it is about.
    let follows = !before.trim_end().ends_with(',');
    if follows && BEFORE_CODE.contains(&word.as_str()) {
        return true;
    }
    if word == "1" && before.trim_end().ends_with("HTTP/1.1") {
        return true;
    }
    let rest =
        after.trim_start_matches([' ', ')', '(', ':', '-', ']', ',', '"', '\'']).to_lowercase();
    if is_status(number) {
        let has_reason = REASONS.iter().any(|reason| rest.starts_with(reason));
        let is_alone = (before.ends_with('(') && after.starts_with(')'))
            || (before.ends_with('[') && after.starts_with(']'));
        let follows_reason = follows
            && REASONS.iter().any(|reason| reason.split(' ').next_back() == Some(word.as_str()));
        let next = rest.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
        let counts_nothing =
            next.is_empty() || !after.starts_with(' ') || NOT_COUNTED.contains(&next);
        if has_reason
            || is_alone
            || follows_reason
            || (follows && counts_nothing && BEFORE_STATUS.contains(&word.as_str()))
            || (before.trim().is_empty() && after.starts_with(':'))
        {
            return true;
        }
    }
    // The first element of a tuple, before a text: `(2013, 'Lost connection …')`.
    let is_first = before.ends_with('(') && number.len() <= 5;
    let is_before_text = [", '", ", \"", ", <value>"].iter().any(|text| after.starts_with(text));
    if is_first && is_before_text {
        return true;
    }
    // `curl: (28) …`
    before.ends_with('(') && word == "curl"
}

/// Whether hexadecimal digits are a code of Windows: an HRESULT or an NTSTATUS.
pub fn is_windows_code(digits: &str) -> bool {
    digits.len() == 8 && digits.starts_with(['8', 'c', 'C'])
}

/// Whether a word is an error code that has letters and digits, such as `ORA-01017`, between these texts.
pub fn is_code_word(before: &str, word: &str, after: &str) -> bool {
    if let Some((letters, digits)) = word.split_once('-') {
        return !digits.is_empty()
            && digits.bytes().all(|digit| digit.is_ascii_digit())
            && (PREFIXES.contains(&letters) || (is_capital(letters) && digits.starts_with('0')));
    }
    let digits_at = word.find(|letter: char| letter.is_ascii_digit()).unwrap_or(0);
    let (letters, digits) = word.split_at(digits_at);
    if letters.len() < 2 || !is_capital(letters) {
        // Of a directory's bind: `data 52e`.
        return word.len() <= 3 && before.ends_with("data ") && before.contains("LdapErr");
    }
    let number = digits.trim_end_matches(|letter: char| letter.is_ascii_uppercase());
    let is_number = number.len() >= 3 && number.bytes().all(|digit| digit.is_ascii_digit());
    let stands_out = before.trim().is_empty()
        || after.starts_with(':')
        || before.ends_with(['(', '['])
        || BEFORE_CODE.contains(&last_word(before).as_str());
    is_number && (letters == "AADSTS" || stands_out)
}

fn is_capital(letters: &str) -> bool {
    !letters.is_empty() && letters.bytes().all(|letter| letter.is_ascii_uppercase())
}
