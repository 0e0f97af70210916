//! The commands that an agency's programs have for their keys.

use std::io::{IsTerminal as _, Write as _, stdin, stdout};
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use clap::{Args, Subcommand};
use jumin_registry::DidRecord;

use crate::times::parse_time;
use crate::{Agency, Changed, KeysError, UpdateKeys, Wanted};

/// Looks at and changes the agency's keys and its DID; `P` are the options that say which agency's.
#[derive(Debug, Subcommand)]
pub enum KeyCommand<P: Args> {
    /// Shows the keys in the DID document, which of them this server signs with, and which update key is next.
    List {
        #[command(flatten)]
        place: P,
        #[command(flatten)]
        args: ChangeArgs,
    },
    /// Puts new keys in the place of old ones. What the old ones signed before stays good.
    Rotate {
        /// The keys, such as key-1; all that the server signs with if none is named.
        keys: Vec<String>,
        /// When the old keys end; now if not given. After a theft: when it may have happened.
        #[arg(long, value_parser = parse_time, value_name = "TIME")]
        since: Option<u64>,
        #[command(flatten)]
        place: P,
        #[command(flatten)]
        args: ChangeArgs,
    },
    /// Ends keys, without others in their place. A key that rotated out can be ended earlier than it was.
    End {
        /// The keys, such as key-1.
        #[arg(required = true)]
        keys: Vec<String>,
        /// When they end; now if not given. What is dated from then on is refused; from the key's beginning: all of it.
        #[arg(long, value_parser = parse_time, value_name = "TIME")]
        since: Option<u64>,
        #[command(flatten)]
        place: P,
        #[command(flatten)]
        args: ChangeArgs,
    },
    /// Moves on to another update key, because somebody may have seen this one.
    Next {
        #[command(flatten)]
        place: P,
        #[command(flatten)]
        args: ChangeArgs,
    },
    /// Deactivates the DID for good.
    Deactivate {
        #[command(flatten)]
        place: P,
        #[command(flatten)]
        args: ChangeArgs,
    },
    /// Drops a change that was begun and that the ledger doesn't have.
    Forget {
        #[command(flatten)]
        place: P,
        #[command(flatten)]
        args: ChangeArgs,
    },
}

/// How a change of the DID is signed and agreed to.
#[derive(Debug, Clone, Default, Args)]
pub struct ChangeArgs {
    /// The folder or medium that has the update key; the next one is written there, too.
    #[arg(long, value_name = "DIR")]
    pub update_keys: Option<PathBuf>,
    /// Changes without asking.
    #[arg(long)]
    pub yes: bool,
}

impl<P: Args> KeyCommand<P> {
    /// Returns which agency's keys it is about.
    pub fn place(&self) -> &P {
        match self {
            Self::List { place, .. }
            | Self::Rotate { place, .. }
            | Self::End { place, .. }
            | Self::Next { place, .. }
            | Self::Deactivate { place, .. }
            | Self::Forget { place, .. } => place,
        }
    }

    /// Does what the command says; returns what changed, if something did. `now` is in Unix seconds.
    ///
    /// # Errors
    /// As [`Agency::change`].
    pub async fn run(self, agency: &Agency, now: u64) -> anyhow::Result<Option<Changed>> {
        self.run_noting(agency, now, async |_, _| Ok(())).await
    }

    /// Does as [`run`](Self::run), and has `note` take a change down.
    ///
    /// # Errors
    /// As [`Agency::change_noting`].
    pub async fn run_noting(
        self,
        agency: &Agency,
        now: u64,
        note: impl AsyncFnOnce(&Changed, &DidRecord) -> anyhow::Result<()>,
    ) -> anyhow::Result<Option<Changed>> {
        let (wanted, args) = match self {
            Self::List { args, .. } => return agency.list(&args, now).await.map(|()| None),
            Self::Forget { args, .. } => return agency.forget(&args).await.map(|()| None),
            Self::Rotate {
                keys, since, args, ..
            } => (Wanted::Rotate { keys, since }, args),
            Self::End {
                keys, since, args, ..
            } => (Wanted::End { keys, since }, args),
            Self::Next { args, .. } => (Wanted::NextUpdateKey, args),
            Self::Deactivate { args, .. } => (Wanted::Deactivate, args),
        };
        agency.change_noting(&wanted, &args, now, note).await
    }
}

impl ChangeArgs {
    /// Names the folder for update keys: the one given, else the one beside the home.
    pub(crate) fn folder(&self, home: &Path) -> UpdateKeys {
        match &self.update_keys {
            Some(folder) => UpdateKeys::at(folder),
            None => UpdateKeys::beside(home),
        }
    }

    /// Finds the folder that has the update key with this thumbprint; asks for it where nothing says where it is.
    pub(crate) fn folder_with(
        &self,
        home: &Path,
        thumbprint: &[u8; 32],
    ) -> anyhow::Result<UpdateKeys> {
        let mut folder = self.folder(home);
        if self.update_keys.is_none() && !folder.has(thumbprint) && stdin().is_terminal() {
            let name = folder.path(thumbprint);
            let name = name.file_name().unwrap_or_default().to_string_lossy();
            folder = UpdateKeys::at(ask(&format!("Folder that has {name}: "))?);
        }
        folder.require_apart(home)?;
        match folder.has(thumbprint) {
            true => Ok(folder),
            false => bail!(KeysError::NoUpdateKey(folder.path(thumbprint))),
        }
    }

    /// Asks whether to go on, unless that was said on the command line.
    pub(crate) fn agreed(&self, question: &str) -> anyhow::Result<bool> {
        if self.yes {
            return Ok(true);
        }
        ensure!(
            stdin().is_terminal(),
            "there is no terminal to ask: read what would change, and say --yes"
        );
        Ok(ask(&format!("{question} [y/N] "))?.eq_ignore_ascii_case("y"))
    }
}

fn ask(question: &str) -> std::io::Result<String> {
    print!("{question}");
    stdout().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
