use std::io::{self, Write as _};

use super::Failure;

pub fn run() -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    let written = output.write_all(crate::graphql::sdl().as_bytes()).and_then(|()| output.flush());
    match written {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => {
            written.map_err(|error| Failure::new(Failure::OUTPUT, format!("cannot write: {error}")))
        }
    }
}
