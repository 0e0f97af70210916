//! What the terminal is asked: secrets without echo, and yes or no.

use std::io::{IsTerminal, Write, stdin, stdout};

use jumin_wallet_core::UnlockSecret;

use super::Language;
use super::failure::Failure;

const PIN: &str = "JUMIN_WALLET_PIN";
const NEW_PIN: &str = "JUMIN_WALLET_NEW_PIN";

/// Takes the PIN from the environment, else asks for it.
pub(super) fn pin(language: Language) -> Result<UnlockSecret, Failure> {
    match from_environment(PIN) {
        Some(secret) => Ok(secret),
        None => typed(language.pick("PIN 또는 암호 문구: ", "PIN or passphrase: ")),
    }
}

/// Takes the PIN of a new wallet from the environment, else asks for it twice.
pub(super) fn first_pin(keyring: bool, language: Language) -> Result<UnlockSecret, Failure> {
    let question = match keyring {
        true => language.pick("새 PIN(6자 이상): ", "New PIN (6 characters or more): "),
        false => language.pick(
            "새 암호 문구(10자 이상): ",
            "New passphrase (10 characters or more): ",
        ),
    };
    new_secret(PIN, question, language)
}

/// Takes the PIN that replaces the old one.
pub(super) fn next_pin(language: Language) -> Result<UnlockSecret, Failure> {
    let question = language.pick("새 PIN 또는 암호 문구: ", "New PIN or passphrase: ");
    new_secret(NEW_PIN, question, language)
}

fn new_secret(variable: &str, question: &str, language: Language) -> Result<UnlockSecret, Failure> {
    if let Some(secret) = from_environment(variable) {
        return Ok(secret);
    }
    let first = typed(question)?;
    let again = typed(language.pick("한 번 더: ", "Once more: "))?;
    match first.same_as(&again) {
        true => Ok(first),
        false => Err(Failure::new("pin_mismatch", "the two entries differ")),
    }
}

fn from_environment(variable: &str) -> Option<UnlockSecret> {
    let value = std::env::var(variable).ok()?;
    (!value.is_empty()).then(|| UnlockSecret::new(value))
}

fn typed(question: &str) -> Result<UnlockSecret, Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::new(
            "pin_missing",
            format!("there is no terminal to ask for the PIN; give it in {PIN}"),
        ));
    }
    rpassword::prompt_password(question)
        .map(UnlockSecret::new)
        .map_err(|error| Failure::new("pin_missing", error.to_string()))
}

/// Says whether somebody is there to answer.
pub(super) fn somebody() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}

/// Asks for a yes; without a terminal there is none.
pub(super) fn agreed(question: &str) -> Result<bool, Failure> {
    if !somebody() {
        return Err(Failure::new(
            "confirmation_needed",
            "there is no terminal to ask; give --yes if you agree",
        ));
    }
    let failed = |error: std::io::Error| Failure::new("confirmation_needed", error.to_string());
    print!("{question} [y/N] ");
    stdout().flush().map_err(failed)?;
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(failed)?;
    // The last is what a Korean keyboard makes of the key "y".
    Ok(["y", "yes", "예", "네", "ㅛ"].contains(&answer.trim().to_lowercase().as_str()))
}
