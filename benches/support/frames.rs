//! Frames of WebSocket as a server sends them, read no further than to tell them apart.

/// What is in a piece that was received.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A part of a text, and whether it is the last one.
    Text(&'a [u8], bool),
    Ping,
    Close,
}

/// A stream of frames, in whatever pieces it arrives.
#[derive(Default)]
pub struct Frames {
    header: Vec<u8>,
    /// Bytes of the present frame that are to come.
    left: usize,
}

impl Frames {
    pub fn read<'a>(&mut self, mut bytes: &'a [u8], mut show: impl FnMut(Piece<'a>)) {
        while !bytes.is_empty() {
            if self.left == 0 {
                let (byte, rest) = bytes.split_at(1);
                bytes = rest;
                self.header.extend_from_slice(byte);
                let Some(length) = length(&self.header) else { continue };
                self.left = length;
                if length == 0 {
                    self.piece(&[], &mut show);
                }
            } else {
                let (piece, rest) = bytes.split_at(self.left.min(bytes.len()));
                bytes = rest;
                self.left -= piece.len();
                self.piece(piece, &mut show);
            }
        }
    }

    fn piece<'a>(&mut self, piece: &'a [u8], show: &mut impl FnMut(Piece<'a>)) {
        let is_whole = self.left == 0;
        match self.header.first().map(|byte| byte & 0x0f) {
            Some(0 | 1) => show(Piece::Text(piece, is_whole)),
            Some(9) if is_whole => show(Piece::Ping),
            Some(8) if is_whole => show(Piece::Close),
            _ => {}
        }
        if is_whole {
            self.header.clear();
        }
    }
}

/// The payload's length, once the header is whole.
fn length(header: &[u8]) -> Option<usize> {
    match (header.get(1)? & 0x7f, header) {
        (126, [_, _, a, b]) => Some(usize::from(u16::from_be_bytes([*a, *b]))),
        (127, [_, _, rest @ ..]) => usize::try_from(u64::from_be_bytes(rest.try_into().ok()?)).ok(),
        (126, _) => None,
        (length, _) => Some(usize::from(length)),
    }
}

/// A short text as a client sends it. Its mask is zero, which changes nothing.
pub fn text(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u16::try_from(text.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | u8::try_from(length).unwrap_or_default()),
        length => {
            frame.push(0x80 | 0x7e);
            frame.extend(length.expect("a short text").to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// The answer to a ping without data.
pub const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];
