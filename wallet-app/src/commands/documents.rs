//! Documents and the activity log.

use jumin_identity::ClaimPath;
use jumin_wallet_core::{ActivityFilter, ActivityLine, ClaimView, Wallet};

use super::{Outcome, Shared, blocking, now};
use crate::dto::{
    Activity, CommandError, DocumentDetail, DocumentStatus, DocumentSummary, activity as line,
    detail, status, summary,
};

const LINES_MAX: u32 = 1000;
const SEARCH_MAX: usize = 200;

/// Lists the documents, the newest first.
#[tauri::command]
pub(crate) async fn documents(session: Shared<'_>) -> Outcome<Vec<DocumentSummary>> {
    let wallet = session.unlocked()?.wallet;
    blocking(move || {
        let documents = wallet.documents(now())?.into_iter();
        let faced = documents.map(|document| {
            let face = wallet.face(&document.id)?;
            Ok(summary(document, face))
        });
        faced.collect()
    })
    .await
}

/// Returns a document with all that it says; numbers stay masked.
#[tauri::command]
pub(crate) async fn document(session: Shared<'_>, id: String) -> Outcome<DocumentDetail> {
    let wallet = session.unlocked()?.wallet;
    blocking(move || {
        let found = wallet.document(&id, now())?.ok_or(unknown())?;
        let face = wallet.face(&id)?;
        let shown = history(&wallet, None, Some(id))?;
        Ok(detail(found, face, shown))
    })
    .await
}

/// Returns one masked value in full, because the citizen asked to see it.
#[tauri::command]
pub(crate) async fn reveal(session: Shared<'_>, id: String, path: String) -> Outcome<String> {
    let wallet = session.unlocked()?.wallet;
    blocking(move || {
        let found = wallet.document(&id, now())?.ok_or(unknown())?;
        let value = value_at(&found.claims, &path).ok_or(CommandError::of("unknown_claim"))?;
        Ok(value.to_owned())
    })
    .await
}

/// Asks the issuer's status list about a document.
#[tauri::command]
pub(crate) async fn document_status(session: Shared<'_>, id: String) -> Outcome<DocumentStatus> {
    let wallet = session.unlocked()?.wallet;
    let found = wallet.document_status(&id, now()).await?;
    found.map(status).ok_or(unknown())
}

/// Deletes a document with its keys.
#[tauri::command]
pub(crate) async fn delete_document(session: Shared<'_>, id: String) -> Outcome<()> {
    let wallet = session.unlocked()?.wallet;
    blocking(move || match wallet.delete(&id, now())? {
        true => Ok(()),
        false => Err(unknown()),
    })
    .await
}

/// Lists what was done, the newest first: what mentions a text, or is about a document.
#[tauri::command]
pub(crate) async fn activity(
    session: Shared<'_>,
    search: Option<String>,
    document: Option<String>,
) -> Outcome<Vec<Activity>> {
    let wallet = session.unlocked()?.wallet;
    let search = search.map(|text| text.chars().take(SEARCH_MAX).collect());
    blocking(move || history(&wallet, search, document)).await
}

fn history(
    wallet: &Wallet,
    search: Option<String>,
    document: Option<String>,
) -> Outcome<Vec<Activity>> {
    let filter = ActivityFilter {
        search,
        document,
        limit: LINES_MAX,
    };
    let lines: Vec<ActivityLine> = wallet.history(&filter)?;
    Ok(lines.into_iter().map(line).collect())
}

/// Finds a claim of text by its path.
fn value_at<'a>(claims: &'a [ClaimView], path: &str) -> Option<&'a str> {
    let path: ClaimPath = path.parse().ok()?;
    let claim = claims
        .iter()
        .find(|claim| claim.path.parse().as_ref() == Ok(&path))?;
    claim.value.as_str()
}

fn unknown() -> CommandError {
    CommandError::of("unknown_document")
}
