//! The `vpcsim` command: see [`vpcsim::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    vpcsim::cli::main()
}
