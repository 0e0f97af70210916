use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use jumin_tests::{Codec, Http, Settings, Stack, read_qr};

/// Starts a stack, says `ready: DIRECTORY`, and ends it when standard input closes.
pub fn hold() -> Result<()> {
    let mut stack = Stack::start()?;
    stack.counter.sync()?;
    stack.counter.serve()?;
    crate::env_file::write(&stack, &stack.path("env"))?;
    println!("ready: {}", stack.directory().display());
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Prints what pictures of a presentation carry.
pub fn decode(issuer: &str, pictures: &[PathBuf]) -> Result<()> {
    let http = Http::new(&Settings::default())?;
    let codec = Codec::of_issuer(&http, issuer)?;
    let mut texts = Vec::new();
    for picture in pictures {
        texts.extend(read_qr(Path::new(picture))?);
    }
    println!("{}", codec.decode_presentation(&texts)?);
    Ok(())
}
