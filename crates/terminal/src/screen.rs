//! The terminal's second screen, which leaves the first as it was.

use std::io::{self, Write as _};

use console::Term;

const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Left when it is dropped.
pub struct Screen {
    term: Term,
}

impl Screen {
    pub fn enter() -> io::Result<Self> {
        let mut term = Term::stdout();
        term.write_all(ENTER.as_bytes())?;
        Ok(Self { term })
    }

    /// Its height and width, at this moment.
    pub fn size(&self) -> (usize, usize) {
        let (height, width) = self.term.size();
        (usize::from(height), usize::from(width))
    }

    /// Shows these lines, each at most as wide as the screen, and nothing else.
    pub fn show(&mut self, lines: &[String]) -> io::Result<()> {
        // In one piece, and without clearing first, so that nothing flickers.
        let mut text = "\x1b[H".to_owned();
        for (n, line) in lines.iter().enumerate() {
            if n > 0 {
                text.push_str("\r\n");
            }
            text.push_str(line);
            text.push_str("\x1b[K");
        }
        text.push_str("\x1b[J");
        self.term.write_all(text.as_bytes())?;
        self.term.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Without a terminal there is nothing to leave.
        _ = self.term.write_all(LEAVE.as_bytes());
    }
}
