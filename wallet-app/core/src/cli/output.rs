//! Answers, as JSON or told in the citizen's language.

use std::path::PathBuf;

use jumin_wallet_core::{
    ActivityEntry, Agency, Answer, CheckedAgainst, DocumentDetail, DocumentStatus, DocumentSummary,
    Protection,
};
use serde_json::{Value, json};

use super::{Language, tell};

/// Is what a command did.
pub(crate) enum Done {
    Made {
        home: PathBuf,
        network: String,
        protection: Protection,
        synced: bool,
    },
    Accepted(DocumentSummary),
    Documents(Vec<DocumentSummary>),
    Document(DocumentDetail),
    Status(DocumentStatus),
    Presented {
        answer: Answer,
        files: Vec<PathBuf>,
        codes: usize,
    },
    Agencies(Vec<Agency>),
    Activity(Vec<ActivityEntry>),
    Deleted(String),
    Synced(CheckedAgainst),
    PinChanged,
    NetworkRenewed,
    Erased,
}

impl Done {
    /// Writes the answer.
    pub(crate) fn print(&self, json: bool, language: Language) -> String {
        match json {
            true => format!("{:#}", self.to_json()),
            false => self.tell(language),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Made {
                home,
                network,
                protection,
                synced,
            } => {
                json!({"home": home, "network": network, "protection": protection, "synced": synced})
            }
            Self::Accepted(document) => json!(document),
            Self::Documents(documents) => json!(documents),
            Self::Document(document) => json!(document),
            Self::Status(status) => json!(status),
            Self::Presented {
                answer,
                files,
                codes,
            } => {
                let mut value = json!(answer);
                value["files"] = json!(files);
                value["codes"] = json!(codes);
                value
            }
            Self::Agencies(agencies) => json!(agencies),
            Self::Activity(entries) => json!(entries),
            Self::Deleted(id) => json!({"deleted": id}),
            Self::Synced(checked) => json!(checked),
            Self::PinChanged => json!({"pin": "changed"}),
            Self::NetworkRenewed => json!({"network": "renewed"}),
            Self::Erased => json!({"wallet": "erased"}),
        }
    }

    fn tell(&self, language: Language) -> String {
        let lines = |lines: Vec<String>, none: &str| match lines.is_empty() {
            true => none.to_owned(),
            false => lines.join("\n"),
        };
        match self {
            Self::Made {
                home, protection, ..
            } => tell::made(home, *protection, language),
            Self::Accepted(document) => {
                let accepted = language.pick("받았습니다:", "Accepted:");
                format!("{accepted} {}", tell::line(document, language))
            }
            Self::Documents(documents) => lines(
                documents.iter().map(|d| tell::line(d, language)).collect(),
                language.pick("문서가 없습니다.", "No documents."),
            ),
            Self::Document(document) => tell::document(document, language),
            Self::Presented { answer, files, .. } => tell::presented(answer, files, language),
            Self::Agencies(agencies) => lines(
                agencies.iter().map(|a| tell::agency(a, language)).collect(),
                language.pick("등록된 기관이 없습니다.", "No agencies."),
            ),
            Self::Activity(entries) => lines(
                entries
                    .iter()
                    .map(|entry| tell::activity(entry, language))
                    .collect(),
                language.pick("기록이 없습니다.", "Nothing yet."),
            ),
            Self::Deleted(id) => format!("{}: {id}", language.pick("지웠습니다", "Deleted")),
            Self::Status(status) => tell::status(status, language),
            Self::Synced(checked) => tell::synced(checked, language),
            Self::PinChanged => language.pick("바꾸었습니다.", "Changed.").to_owned(),
            Self::NetworkRenewed => language
                .pick(
                    "네트워크 파일을 바꾸었습니다.",
                    "The network file is replaced.",
                )
                .to_owned(),
            Self::Erased => language
                .pick("지갑을 지웠습니다.", "The wallet is gone.")
                .to_owned(),
        }
    }
}
