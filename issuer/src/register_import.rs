//! Adds residents from a CSV file to the store.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde_json::json;
use thiserror::Error;

use crate::audit::Event;
use crate::home::Home;
use crate::register::{Date, ImportError, read_csv};
use crate::setup::{SetupError, portraits};
use crate::store::{Store, StoreError};

/// Why no residents were added.
#[derive(Debug, Error)]
pub enum ImportFailed {
    #[error("can't read {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{}", report(.0))]
    Csv(ImportError),
    #[error("the database didn't take the residents; is one of their numbers in it already?")]
    Store(#[from] StoreError),
    #[error("the residents can't be prepared")]
    Portraits(#[from] SetupError),
}

/// Writes every refused row on its own line.
fn report(error: &ImportError) -> String {
    match error {
        ImportError::Rows(rows) => {
            let lines: Vec<String> = rows.iter().map(|row| row.to_string()).collect();
            format!("nothing was imported:\n{}", lines.join("\n"))
        }
        error => error.to_string(),
    }
}

/// Adds the residents of a CSV file, all or none, and says how many they are.
pub async fn import_csv(home: &Home, path: &Path, now: u64) -> Result<usize, ImportFailed> {
    let file = File::open(path).map_err(|source| ImportFailed::File {
        path: path.to_owned(),
        source,
    })?;
    let store = Store::open(&home.database()).await?;
    // Ids of an import continue where the register ends, and never meet those of another import.
    let prefix = format!("i{}-", store.count_residents().await?);
    let register = read_csv(file, &prefix, Date::in_korea(now)).map_err(ImportFailed::Csv)?;
    let portraits = portraits(&register)?;
    store.add_register(&register, &portraits).await?;
    let event = Event {
        at: now,
        actor: "operator",
        action: "register.import",
        subject: "register",
        detail: json!({ "residents": register.residents.len() }),
    };
    store.audit(&event).await?;
    store.close().await;
    Ok(register.residents.len())
}
