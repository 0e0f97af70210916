//! Showing documents: in answer to a request, or to an agency of one's choice.

use std::sync::Arc;

use jumin_identity::ClaimPath;
use jumin_wallet_core::{Choice, VerifiedRequest, Wallet};
use tauri::AppHandle;
use tauri_plugin_opener::OpenerExt;

use super::{Outcome, Shared, blocking, now};
use crate::dto::{
    self, Agency, Answer, CodeDrawing, CommandError, Consent, Localized, Service, drawn,
};
use crate::hand::{Asked, Question};
use crate::session::{Session, Unlocked};

/// Shows what another document would disclose to the request at hand.
#[tauri::command]
pub(crate) async fn choose_document(session: Shared<'_>, document: String) -> Outcome<Consent> {
    let unlocked = session.unlocked()?;
    let asked = session.hand(&unlocked, |hand| hand.asked.clone())?;
    let Some(Question::Request(request)) = asked.map(|asked| asked.what) else {
        return Err(nothing());
    };
    let choice = chosen(Some(document.clone()));
    let (wallet, read) = (unlocked.wallet.clone(), request.clone());
    let consent = blocking(move || {
        let found = wallet.consent(&read, &choice, now())?;
        dto::consent(&wallet, found)
    });
    let consent = consent.await?;
    session.hand(&unlocked, |hand| {
        let same = |asked: &&mut Asked| match &asked.what {
            Question::Request(now) => Arc::ptr_eq(now, &request),
            Question::OneWay { .. } => false,
        };
        if let Some(asked) = hand.asked.as_mut().filter(same) {
            asked.document = Some(document);
        }
    })?;
    Ok(consent)
}

/// Answers the request at hand; one that failed stays at hand.
#[tauri::command]
pub(crate) async fn answer(
    session: Shared<'_>,
    accept_unknown: bool,
    reuse: bool,
) -> Outcome<Answer> {
    let unlocked = session.unlocked()?;
    let asked = take(&session, &unlocked)?;
    let Question::Request(request) = &asked.what else {
        put_back(&session, &unlocked, asked)?;
        return Err(nothing());
    };
    let choice = Choice {
        accept_unknown_verifier: accept_unknown,
        reuse,
        ..chosen(asked.document.clone())
    };
    match answered(&session, &unlocked, request, &choice).await {
        Ok(answer) => Ok(answer),
        Err(error) => {
            put_back(&session, &unlocked, asked)?;
            Err(error)
        }
    }
}

async fn answered(
    session: &Session,
    unlocked: &Unlocked,
    request: &VerifiedRequest,
    choice: &Choice,
) -> Outcome<Answer> {
    let wallet = unlocked.wallet.clone();
    let until = wallet.consent(request, choice, now())?.expires;
    let mut given = wallet.answer(request, choice, now()).await?;
    let redirect = given.redirect_uri.take();
    let answer = told(&wallet, given, until, redirect.is_some())?;
    session.hand(unlocked, |hand| hand.redirect = redirect)?;
    Ok(answer)
}

/// Drops the request at hand; an online verifier is told that the citizen said no.
#[tauri::command]
pub(crate) async fn decline(session: Shared<'_>) -> Outcome<()> {
    let unlocked = session.unlocked()?;
    let asked = session.hand(&unlocked, |hand| hand.asked.take())?;
    if let Some(Question::Request(request)) = asked.map(|asked| asked.what) {
        tauri::async_runtime::spawn(async move {
            // That the verifier may not hear it changes nothing for the citizen.
            let _ = unlocked.wallet.decline(&request).await;
        });
    }
    Ok(())
}

/// Lists the agencies that may ask for documents.
#[tauri::command]
pub(crate) async fn agencies(session: Shared<'_>) -> Outcome<Vec<Agency>> {
    let wallet = session.unlocked()?.wallet;
    let found = wallet.agencies(now()).await?.into_iter();
    let agency = |agency: jumin_wallet_core::Agency| Agency {
        did: agency.did,
        name: agency.name.into(),
    };
    Ok(found.map(agency).collect())
}

/// Lists the services that a document can be shown for without a request.
#[tauri::command]
pub(crate) async fn services() -> Outcome<Vec<Service>> {
    Ok(dto::services())
}

/// Shows what an agency would see for a service, without a request.
#[tauri::command]
pub(crate) async fn one_way_consent(
    session: Shared<'_>,
    agency: String,
    service: String,
    document: Option<String>,
) -> Outcome<Consent> {
    let unlocked = session.unlocked()?;
    let wallet = unlocked.wallet.clone();
    let choice = chosen(document.clone());
    let found = wallet
        .one_way_consent(&agency, &service, &choice, now())
        .await?;
    let consent = blocking(move || dto::consent(&wallet, found)).await?;
    let asked = Asked {
        what: Question::OneWay { agency, service },
        document,
    };
    session.hand(&unlocked, |hand| hand.take_asked(asked))?;
    Ok(consent)
}

/// Shows the document that was consented to, for five minutes at most.
#[tauri::command]
pub(crate) async fn one_way_show(
    session: Shared<'_>,
    accept_unknown: bool,
    reuse: bool,
) -> Outcome<Answer> {
    let unlocked = session.unlocked()?;
    let asked = take(&session, &unlocked)?;
    let Question::OneWay { agency, service } = &asked.what else {
        put_back(&session, &unlocked, asked)?;
        return Err(nothing());
    };
    let choice = Choice {
        accept_unknown_verifier: accept_unknown,
        reuse,
        ..chosen(asked.document.clone())
    };
    let wallet = unlocked.wallet.clone();
    match wallet.one_way(agency, service, &choice, now()).await {
        Ok((given, showing)) => {
            let answer = told(&wallet, given, Some(showing.until()), false)?;
            session.hand(&unlocked, |hand| hand.showing = Some(Arc::new(showing)))?;
            Ok(answer)
        }
        Err(error) => {
            put_back(&session, &unlocked, asked)?;
            Err(error.into())
        }
    }
}

/// Draws the code that is shown anew, with a fresh nonce.
#[tauri::command]
pub(crate) async fn one_way_redraw(session: Shared<'_>) -> Outcome<Vec<CodeDrawing>> {
    let unlocked = session.unlocked()?;
    let showing = session.hand(&unlocked, |hand| hand.showing.clone())?;
    let showing = showing.ok_or(nothing())?;
    blocking(move || drawn(&showing.redraw(now())?)).await
}

/// Drops what is shown.
#[tauri::command]
pub(crate) async fn finish_showing(session: Shared<'_>) -> Outcome<()> {
    let unlocked = session.unlocked()?;
    session.hand(&unlocked, |hand| {
        hand.showing = None;
        hand.redirect = None;
    })
}

/// Opens the verifier's page in the citizen's browser, once.
#[tauri::command]
pub(crate) async fn open_redirect(app: AppHandle, session: Shared<'_>) -> Outcome<()> {
    let unlocked = session.unlocked()?;
    let redirect = session.hand(&unlocked, |hand| hand.redirect.take())?;
    let redirect = redirect.ok_or(nothing())?;
    blocking(move || {
        let opened = app.opener().open_url(redirect, None::<&str>);
        opened.map_err(|_| CommandError::of("link_not_opened"))
    })
    .await
}

fn chosen(document: Option<String>) -> Choice {
    Choice {
        document,
        ..Choice::default()
    }
}

fn nothing() -> CommandError {
    CommandError::of("nothing_at_hand")
}

/// Takes the question out of the hand while it is answered: a second press of the button must not use another copy.
fn take(session: &Session, unlocked: &Unlocked) -> Outcome<Asked> {
    session
        .hand(unlocked, |hand| hand.asked.take())?
        .ok_or(nothing())
}

fn put_back(session: &Session, unlocked: &Unlocked, asked: Asked) -> Outcome<()> {
    session.hand(unlocked, |hand| {
        if hand.is_empty() {
            hand.asked = Some(asked);
        }
    })
}

fn told(
    wallet: &Wallet,
    given: jumin_wallet_core::Answer,
    until: Option<u64>,
    redirect: bool,
) -> Outcome<Answer> {
    let disclosed = names(wallet, &given)?;
    Ok(Answer {
        mode: given.mode.into(),
        frames: drawn(&given.frames)?,
        verifier: given.verifier.into(),
        until,
        copies_left: given.copies_left,
        disclosed,
        redirect,
    })
}

/// Names what an answer disclosed, each name once.
fn names(wallet: &Wallet, given: &jumin_wallet_core::Answer) -> Outcome<Vec<Localized>> {
    let shown: Vec<ClaimPath> = given
        .disclosed
        .iter()
        .filter_map(|path| path.parse().ok())
        .collect();
    let mut names: Vec<Localized> = Vec::new();
    for id in &given.documents {
        let claims = wallet.document(id, now())?.map(|document| document.claims);
        for claim in claims.unwrap_or_default() {
            let path: Option<ClaimPath> = claim.path.parse().ok();
            let seen = path.is_some_and(|path| shown.iter().any(|shown| shown.covers(&path)));
            let name = Localized::from(claim.label);
            if seen && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    Ok(names)
}
