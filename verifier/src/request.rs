use jumin_identity::{
    AuthorizationRequest, Did, DidUrl, ResponseMode, SignError, Signer, b64url, sign_request,
};
use serde::{Deserialize, Serialize};

use crate::{Assurance, PolicyError, ServicePolicy};

/// Names who asks: the office's DID and the key that signs its requests.
#[derive(Clone, Debug)]
pub struct VerifierIdentity {
    /// DID URL of the signing key.
    pub kid: DidUrl,
}

impl VerifierIdentity {
    /// Returns the office's DID.
    pub fn did(&self) -> &Did {
        self.kid.did()
    }

    /// Returns the client identifier, which is also the audience of key bindings (OpenID4VP 1.0
    /// §5.9.3).
    pub fn client_id(&self) -> String {
        format!("decentralized_identifier:{}", self.did())
    }
}

/// Says how the answer comes back.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// As a QR code shown to the desk.
    QrCode,
    /// Over the network, by `direct_post.jwt` (the response mode carries where and for which
    /// key).
    Online(ResponseMode),
}

/// Says why a request could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The policy's query is not usable.
    #[error("the service's query is not usable")]
    Policy(#[source] PolicyError),
    /// The service takes no one-way codes.
    #[error("the service takes no one-way codes")]
    OneWayNotAllowed,
    /// The request could not be signed.
    #[error("the request could not be signed")]
    Sign(#[source] SignError),
}

impl StartError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            StartError::Policy(_) => "start_policy",
            StartError::OneWayNotAllowed => "start_one_way_not_allowed",
            StartError::Sign(_) => "start_sign",
        }
    }
}

/// Is a request that waits for its answer; serializable, so that it outlives the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRequest {
    policy: ServicePolicy,
    audience: String,
    nonce: Option<String>,
    assurance: Assurance,
    started: u64,
    expires: u64,
}

impl PendingRequest {
    /// Waits for a one-way code of a service: no request is shown, any fresh code made for this
    /// office answers. `now` is in seconds since the epoch.
    pub fn one_way(
        policy: ServicePolicy,
        verifier: &VerifierIdentity,
        now: u64,
    ) -> Result<PendingRequest, StartError> {
        if !policy.one_way {
            return Err(StartError::OneWayNotAllowed);
        }
        Ok(PendingRequest {
            expires: now.saturating_add(policy.request_seconds),
            audience: verifier.client_id(),
            nonce: None,
            assurance: Assurance::OneWay,
            started: now,
            policy,
        })
    }

    /// Returns the service's policy.
    pub fn policy(&self) -> &ServicePolicy {
        &self.policy
    }

    /// Returns the nonce that the answer must carry; none in one-way mode.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// Returns the audience that the answer must carry.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Returns how strongly an answer is bound.
    pub fn assurance(&self) -> Assurance {
        self.assurance
    }

    /// Returns when it was started, in seconds since the epoch.
    pub fn started(&self) -> u64 {
        self.started
    }

    /// Returns until when it can be answered, in seconds since the epoch.
    pub fn expires(&self) -> u64 {
        self.expires
    }

    /// Tells whether it can be answered no more at `now`, in seconds since the epoch: from the second on in which it ends, as
    /// wallets have it (RFC 7519 §4.1.4).
    pub fn is_over(&self, now: u64) -> bool {
        now >= self.expires
    }
}

/// Starts a request of a service: returns the signed request object (compact JWS, OpenID4VP 1.0
/// §5) and what its answer is checked against.
///
/// `nonce` must be 16 fresh random bytes; `now` is in seconds since the epoch.
pub fn start(
    policy: &ServicePolicy,
    verifier: &VerifierIdentity,
    delivery: Delivery,
    nonce: [u8; 16],
    now: u64,
    signer: &dyn Signer,
) -> Result<(String, PendingRequest), StartError> {
    let nonce = b64url(&nonce);
    let expires = now.saturating_add(policy.request_seconds);
    let (response, assurance) = match delivery {
        Delivery::QrCode => (ResponseMode::QrCode, Assurance::Strict),
        Delivery::Online(mode) => (mode, Assurance::Online),
    };
    let request = AuthorizationRequest {
        client_id: verifier.client_id(),
        nonce: nonce.clone(),
        query: policy.dcql().map_err(StartError::Policy)?.into_owned(),
        expires,
        response,
        state: None,
    };
    let object =
        sign_request(&request, Some(&verifier.kid), &[], now, signer).map_err(StartError::Sign)?;
    let pending = PendingRequest {
        policy: policy.clone(),
        audience: verifier.client_id(),
        nonce: Some(nonce),
        assurance,
        started: now,
        expires,
    };
    Ok((object, pending))
}
