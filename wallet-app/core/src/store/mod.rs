//! What an unlocked wallet keeps: settings, documents with their one-time copies, and the activity log.

mod activity;
mod documents;
mod settings;

pub(crate) use activity::NewActivity;
pub use activity::{ActivityEntry, ActivityKind, ActivityParty};
pub(crate) use documents::{CopyInUse, NewCopy, NewDocument, StoredDocument};
pub(crate) use settings::{Remembered, Setup};

#[cfg(test)]
mod tests;
