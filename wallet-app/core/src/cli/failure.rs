//! What went wrong, in one line and under a stable code.

use std::error::Error;

use jumin_wallet_core::{
    IssuanceError, PictureError, PresentError, RenewError, SettingsError, VaultError,
};
use serde_json::{Value, json};

use super::Language;
use super::korean;

/// Is an error of the command line.
#[derive(Debug)]
pub(crate) struct Failure {
    code: &'static str,
    message: String,
    korean: Option<String>,
}

impl Failure {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            korean: korean::sentence(code).map(str::to_owned),
        }
    }

    fn from_error(code: &'static str, error: &(dyn Error + 'static)) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // A transparent error repeats its cause's text.
            if !message.ends_with(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = error.source();
        }
        Self::new(code, message)
    }

    /// Returns the error as one line.
    pub(crate) fn line(&self, language: Language) -> String {
        let english = self.message.replace(['\n', '\r'], " ");
        match (language, &self.korean) {
            (Language::Ko, Some(korean)) => format!("오류: {korean} [{}] {english}", self.code),
            _ => format!("error: {english} [{}]", self.code),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({"error": {"code": self.code, "message": self.message}})
    }
}

macro_rules! failures {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::from_error(error.code(), &error)
            }
        })*
    };
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        let failure = Self::from_error(error.code(), &error);
        Self {
            korean: korean::of_vault(&error).or(failure.korean),
            ..failure
        }
    }
}

failures!(
    IssuanceError,
    PresentError,
    PictureError,
    SettingsError,
    RenewError
);
