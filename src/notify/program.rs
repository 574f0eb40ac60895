//! Running a program with something on its standard input, for so long and no longer. No shell is involved, and
//! nothing from a log becomes an argument.

use super::Failure;
use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

pub(super) fn run(command: &[String], input: &[u8], timeout: Duration) -> Result<(), Failure> {
    const STEP: Duration = Duration::from_millis(20);
    let (program, arguments) = command.split_first().ok_or_else(|| Failure("no program is given".to_owned()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| Failure(format!("it does not start: {}", error.kind())))?;
    // It may end without reading, or read slowly: neither holds us up.
    let pipe = child.stdin.take();
    let input = input.to_vec();
    std::thread::spawn(move || pipe.map(|mut pipe| pipe.write_all(&input)));
    for _ in 0..=timeout.as_millis() / STEP.as_millis() {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => {
                let code = status.code().map_or("a signal".to_owned(), |code| format!("status {code}"));
                return Err(Failure(format!("it ended with {code}")));
            }
            Ok(None) => std::thread::sleep(STEP),
            Err(error) => return Err(Failure(format!("it cannot be waited for: {}", error.kind()))),
        }
    }
    // Gone or not, it is not waited for any longer.
    let _ = child.kill();
    let _ = child.wait();
    Err(Failure(format!("it did not end within {} s", timeout.as_secs())))
}
