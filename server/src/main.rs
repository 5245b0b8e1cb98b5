//! The `gradus` binary: everything is in the library.

fn main() -> std::process::ExitCode {
    gradus::cli::run()
}
