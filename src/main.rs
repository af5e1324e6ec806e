//! Parses the command line and runs it.

use std::process::ExitCode;

use agent_jobs::cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
