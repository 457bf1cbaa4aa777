//! `figure`: arguments in, exit code out. Everything else is in [`asymptotica::run`].

use asymptotica::run::cli::Cli;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    asymptotica::run::main(Cli::parse())
}
