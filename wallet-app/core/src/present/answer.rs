//! Makes the answer: presentations with a fresh key binding, the VP Token, the codes.

use jumin_identity::{
    ClaimPath, CodecContext, DcqlQuery, FileKey, VerifiedCredential, VpToken, encode_presentation,
    present,
};
use serde_json::{Map, Value};

use super::{Plan, PresentError, VerifierParty};

/// Makes one presentation for each pick, as (query id, SD-JWT+KB); `now` in seconds since 1970.
pub(crate) fn presentations(
    plan: &Plan,
    audience: &str,
    nonce: &str,
    now: u64,
) -> Result<Vec<(String, String)>, PresentError> {
    plan.0
        .iter()
        .map(|pick| {
            let holder = pick.holder()?;
            let text = present(
                &pick.credential,
                &pick.disclose,
                audience,
                nonce,
                now,
                &holder,
            );
            let text = text.map_err(|error| PresentError::Make(error.into()))?;
            Ok((pick.query_id.clone(), text))
        })
        .collect()
}

/// Joins presentations to a VP Token (OpenID4VP 1.0 §8.1).
pub(crate) fn vp_token(presentations: &[(String, String)]) -> String {
    let members = presentations.iter().map(|(query_id, presentation)| {
        let list = vec![Value::from(presentation.as_str())];
        (query_id.clone(), Value::from(list))
    });
    Value::Object(Map::from_iter(members)).to_string()
}

/// Draws the one presentation of a QR answer as codes.
pub(crate) fn encode(
    presentations: &[(String, String)],
    dictionary: Option<&[u8]>,
) -> Result<Vec<String>, PresentError> {
    let [(query_id, presentation)] = presentations else {
        return Err(PresentError::SeveralDocuments);
    };
    let mut context = CodecContext::default();
    if let Some(dictionary) = dictionary {
        // A dictionary that can't be used costs size, nothing else.
        let _ = context.add_dictionary(dictionary.to_vec());
    }
    let token = VpToken::new(query_id.as_str(), presentation.as_str()).to_json();
    let frames =
        encode_presentation(&token, &context).map_err(|error| PresentError::Make(error.into()))?;
    Ok(frames.iter().map(|frame| frame.text().to_owned()).collect())
}

/// Is a showing without a request, whose code is redrawn with a fresh nonce every 15 seconds.
pub struct OneWay {
    pub(crate) credential: VerifiedCredential,
    pub(crate) holder: FileKey,
    pub(crate) disclose: Vec<ClaimPath>,
    pub(crate) verifier: VerifierParty,
    pub(crate) query_id: String,
    pub(crate) dictionary: Option<Vec<u8>>,
    pub(crate) until: u64,
}

impl OneWay {
    /// Returns when the showing ends, in seconds since 1970.
    pub fn until(&self) -> u64 {
        self.until
    }

    /// Draws the code anew at `now` (seconds since 1970), with the same copy; at most five minutes long.
    pub fn redraw(&self, now: u64) -> Result<Vec<String>, PresentError> {
        if now >= self.until {
            return Err(PresentError::Expired);
        }
        let nonce = jumin_identity::OneWayNonce::new(now, jumin_identity::random_bytes());
        let text = present(
            &self.credential,
            &self.disclose,
            &self.verifier.client_id,
            &nonce.to_string(),
            now,
            &self.holder,
        );
        let text = text.map_err(|error| PresentError::Make(error.into()))?;
        encode(&[(self.query_id.clone(), text)], self.dictionary.as_deref())
    }
}

impl std::fmt::Debug for OneWay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OneWay")
            .field("verifier", &self.verifier)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// Finds a registered service's query, if a code without a request may answer it.
pub(crate) fn service_query(name: &str) -> Result<&'static DcqlQuery, PresentError> {
    match jumin_identity::template(name) {
        Some(template) if template.one_way => Ok(template.query()),
        Some(_) => Err(PresentError::NeedsRequest(name.to_owned())),
        None => Err(PresentError::UnknownService(name.to_owned())),
    }
}
