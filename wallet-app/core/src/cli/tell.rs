//! What a person reads, in Korean or English.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use jumin_wallet_core::{
    ActivityEntry, ActivityKind, Agency, Answer, CheckedAgainst, ClaimView, Consent,
    DocumentDetail, DocumentState, DocumentStatus, DocumentSummary, Localized, Mode, OfferPreview,
    Protection, Standing, VerifierParty,
};
use serde_json::Value;

/// Is the language of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Ko,
    En,
}

impl Language {
    /// Takes the language that was asked for, else that of the environment.
    pub(crate) fn choose(asked: Option<Self>) -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let environment = || ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
        asked.unwrap_or_else(|| match environment() {
            Some(locale) if locale.starts_with("ko") => Self::Ko,
            _ => Self::En,
        })
    }

    pub(super) fn pick<'a>(self, korean: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Ko => korean,
            Self::En => english,
        }
    }

    fn name(self, name: &Localized) -> &str {
        self.pick(&name.ko, &name.en)
    }
}

pub(super) fn made(home: &Path, protection: Protection, language: Language) -> String {
    let how = match protection {
        Protection::Keyring => language.pick(
            "PIN과 데스크톱 키링이 지킵니다",
            "protected by the PIN and the desktop's keyring",
        ),
        Protection::Passphrase => language.pick(
            "암호 문구만으로 지킵니다",
            "protected by the passphrase alone",
        ),
    };
    let what = language.pick("지갑을 만들었습니다", "Wallet made");
    format!("{what}: {} ({how})", home.display())
}

pub(super) fn line(document: &DocumentSummary, language: Language) -> String {
    let state = match document.state {
        DocumentState::Valid => language.pick("유효", "valid"),
        DocumentState::Expired => language.pick("만료", "expired"),
        DocumentState::NotYetValid => language.pick("시작 전", "not yet valid"),
    };
    let date = day(document.expires.saturating_sub(1));
    let (left, all) = (document.copies_left, document.copies);
    let rest = match language {
        Language::Ko => format!("{date}까지  {state}  사본 {left}/{all}"),
        Language::En => format!("until {date}  {state}  copies {left}/{all}"),
    };
    let (name, issuer) = (
        language.name(&document.name),
        language.name(&document.issuer_name),
    );
    format!("{}  {name}  {issuer}  {rest}", document.id)
}

pub(super) fn document(document: &DocumentDetail, language: Language) -> String {
    let mut out = vec![line(&document.summary, language)];
    out.extend(document.claims.iter().map(|c| claim(c, language)));
    out.join("\n")
}

fn claim(claim: &ClaimView, language: Language) -> String {
    let value = match &claim.value {
        Value::String(text) if text.starts_with("data:") => "(…)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("  {}: {value}", language.name(&claim.label))
}

pub(super) fn agency(agency: &Agency, language: Language) -> String {
    format!("{}  {}", language.name(&agency.name), agency.did)
}

/// Tells what an offer holds and who the ledger says that its server is, before it is accepted.
pub(super) fn offer(preview: &OfferPreview, language: Language) -> String {
    let names = preview.documents.iter();
    let names: Vec<&str> = names
        .map(|document| language.name(&document.name))
        .collect();
    let (offers, issuer, server) = (
        language.pick("발급 안내", "Offer"),
        language.pick("발급기관", "issuing agency"),
        language.pick("서버", "server"),
    );
    let party = &preview.issuer;
    let standing = match (party.accredited, &preview.refused) {
        (true, _) => language.pick("발급 인가 확인됨", "accredited"),
        (false, Some(error)) if error.could_not_find_out() => {
            language.pick("확인하지 못함", "could not be checked")
        }
        _ => language.pick("주의: 발급 인가 없음", "warning: NOT accredited"),
    };
    let name = party.name.as_ref().map(|name| language.name(name));
    format!(
        "{offers}: {}\n{issuer}: {} ({standing})\n{server}: {}",
        names.join(", "),
        name.or(party.did.as_deref()).unwrap_or("-"),
        preview.summary.issuer_url
    )
}

/// Tells who would see what, before anything is shown.
pub(super) fn consent(consent: &Consent, language: Language) -> String {
    let asked = language.pick("요청한 곳", "Asked by");
    let mut out = vec![format!("{asked}: {}", party(&consent.verifier, language))];
    out.extend(reach(&consent.verifier, language));
    if let Some(uri) = &consent.response_uri {
        out.push(format!("{}: {uri}", language.pick("보낼 곳", "Sent to")));
    }
    let checked = consent.verifier.checked.as_ref();
    if let Some(checked) = checked.filter(|checked| !checked.online) {
        let age = checked.checkpoint_age_seconds / 60;
        out.push(match language {
            Language::Ko => format!("(연결되지 않아 {age}분 전의 기록으로 확인했습니다)"),
            Language::En => format!("(offline: checked against records {age} minutes old)"),
        });
    }
    for document in &consent.documents {
        out.push(line(&document.document, language));
        out.extend(document.disclosed.iter().map(|c| claim(c, language)));
        let always = language.pick("늘 보이는 항목", "Always shown");
        out.push(format!("  {always}:"));
        out.extend(document.always.iter().map(|c| claim(c, language)));
        if !document.hidden.is_empty() {
            let hidden = language.pick("숨기는 항목", "Stays hidden");
            let names: Vec<_> = document
                .hidden
                .iter()
                .map(|name| language.name(name))
                .collect();
            out.push(format!("  {hidden}: {}", names.join(", ")));
        }
        if document.reused {
            let reused = language.pick(
                "새 사본이 없어, 동의하면 이미 보인 사본을 다시 보입니다.",
                "No unused copy is left: one that was seen before would be shown again.",
            );
            out.push(format!("  {reused}"));
        }
    }
    out.join("\n")
}

/// Tells what an accredited verifier may ask for, and warns of what it asks for beyond that.
fn reach(verifier: &VerifierParty, language: Language) -> Vec<String> {
    let names = |claims: &[Localized]| {
        let names: Vec<_> = claims.iter().map(|claim| language.name(claim)).collect();
        names.join(", ")
    };
    let may_ask = verifier.may_ask.as_deref().map(|claims| {
        let what = language.pick("등록된 항목", "May ask for");
        format!("{what}: {}", names(claims))
    });
    let beyond = (!verifier.beyond.is_empty()).then(|| {
        let what = language.pick(
            "주의: 등록된 권한을 넘는 항목",
            "warning: asks for more than it is accredited for",
        );
        format!("{what}: {}", names(&verifier.beyond))
    });
    may_ask.into_iter().chain(beyond).collect()
}

fn party(verifier: &VerifierParty, language: Language) -> String {
    let name = verifier.name.as_ref().map(|name| language.name(name));
    let name = name.unwrap_or(&verifier.client_id);
    let standing = match verifier.accredited {
        true => language.pick("등록된 기관", "accredited"),
        false => language.pick("주의: 등록되지 않은 곳", "warning: NOT accredited"),
    };
    format!("{name} ({standing})")
}

pub(super) fn presented(answer: &Answer, files: &[PathBuf], language: Language) -> String {
    let what = match answer.mode {
        Mode::Online => language.pick("보냈습니다", "Sent"),
        _ => language.pick("QR 코드를 만들었습니다", "QR code made"),
    };
    let mut out = vec![format!("{what}: {}", party(&answer.verifier, language))];
    if !answer.disclosed.is_empty() {
        let disclosed = language.pick("공개", "disclosed");
        out.push(format!("  {disclosed}: {}", answer.disclosed.join(", ")));
    }
    out.extend(files.iter().map(|file| format!("  {}", file.display())));
    out.extend(answer.frames.iter().cloned());
    if let Some(uri) = &answer.redirect_uri {
        let next = language.pick("이어서 열 곳", "continue at");
        out.push(format!("  {next}: {uri}"));
    }
    out.push(match (answer.copies_left, language) {
        (0, Language::Ko) => "  남은 사본이 없습니다. 다시 발급받으십시오.".to_owned(),
        (0, Language::En) => "  no copies left: have the document issued again".to_owned(),
        (left, Language::Ko) => format!("  남은 사본 {left}"),
        (left, Language::En) => format!("  {left} copies left"),
    });
    out.join("\n")
}

pub(super) fn activity(entry: &ActivityEntry, language: Language) -> String {
    let kind = match entry.kind {
        ActivityKind::Accepted => language.pick("받음", "accepted"),
        ActivityKind::Shown => language.pick("QR로 보임", "shown by QR"),
        ActivityKind::ShownOneWay => language.pick("요청 없이 보임", "shown one-way"),
        ActivityKind::Sent => language.pick("보냄", "sent"),
        ActivityKind::Deleted => language.pick("지움", "deleted"),
    };
    let party = entry.party.as_ref().map(|party| match &party.name {
        Some(name) => language.name(name),
        None => &party.id,
    });
    let mut out = format!("{}  {kind}", minute(entry.at));
    for part in [entry.document.as_deref(), party].into_iter().flatten() {
        out.push_str("  ");
        out.push_str(part);
    }
    if !entry.claims.is_empty() {
        out.push_str(&format!("  [{}]", entry.claims.join(", ")));
    }
    if entry.outcome != "done" {
        out.push_str(&format!("  ({})", entry.outcome));
    }
    out
}

pub(super) fn synced(checked: &CheckedAgainst, language: Language) -> String {
    let (height, age) = (checked.checkpoint_height, checked.checkpoint_age_seconds);
    match language {
        Language::Ko => format!("원장 기록을 받았습니다: 블록 {height}, {age}초 전"),
        Language::En => format!("Records fetched: block {height}, {age} seconds old"),
    }
}

pub(super) fn status(status: &DocumentStatus, language: Language) -> String {
    let word = match status.status {
        Standing::Valid => language.pick("유효", "valid"),
        Standing::Suspended => language.pick("효력 정지", "suspended"),
        Standing::Revoked => language.pick("폐기", "revoked"),
        Standing::IssuerNotAccredited => language.pick(
            "창구에서 받지 않음: 발급기관이나 상위 기관의 인가가 종료됨",
            "not accepted: the accreditation of its agency, or of one above, was ended",
        ),
        Standing::IssuerDeactivated => language.pick(
            "창구에서 받지 않음: 발급기관이 말소됨",
            "not accepted: its agency was deactivated",
        ),
        Standing::KeyEnded => language.pick(
            "창구에서 받지 않음: 서명한 키가 종료됨",
            "not accepted: the key that signed it was ended",
        ),
        Standing::Unknown => language.pick("확인하지 못함", "not known"),
    };
    match status.reason {
        Some(reason) => format!("{word} ({reason})"),
        None => word.to_owned(),
    }
}

/// Writes a day of Korean time (UTC+9, no daylight saving) as YYYY-MM-DD.
fn day(at: u64) -> String {
    // Howard Hinnant's civil_from_days, for days since 1970-01-01.
    let shifted = at.saturating_add(9 * 3600) / 86_400 + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

fn minute(at: u64) -> String {
    let seconds = at.saturating_add(9 * 3600) % 86_400;
    format!("{} {:02}:{:02}", day(at), seconds / 3600, seconds / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_korean_time() {
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(951_782_399), "2000-02-29");
        assert_eq!(minute(1_795_359_600), "2026-11-23 00:00");
        assert_eq!(minute(1_795_359_599), "2026-11-22 23:59");
    }
}
