use std::io::{self, Write as _};

use super::failure::{Failure, written};

pub fn run() -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    written(output.write_all(crate::graphql::sdl().as_bytes()).and_then(|()| output.flush()))
}
