//! Holds a citizen's credentials and presents them.
//!
//! [`Wallet`] is the way in, for the desktop shell and the command line alike: what it returns are plain values that
//! serialize, and no secret is among them.

mod documents;
mod face;
mod home;
mod issuance;
mod online;
mod picture;
mod present;
mod store;
mod trust;
mod vault;
mod wallet;

pub use documents::{ClaimView, DocumentDetail, DocumentState, DocumentSummary};
pub use face::CardFace;
pub use issuance::{IssuanceError, OfferSummary, OpenOffer, TransactionCodeHint};
pub use jumin_registry::Localized;
pub use picture::{PictureError, draw_code, read_code};
pub use present::{
    Answer, Choice, Consent, ConsentDocument, Mode, OneWay, PresentError, VerifiedRequest,
    VerifierParty,
};
pub use store::{ActivityEntry, ActivityKind, ActivityParty};
pub use trust::{Agency, CheckedAgainst, TrustError};
pub use vault::{
    DeviceError, DeviceStore, Protection, SecretService, StoreError, UnlockSecret, VaultError,
};
pub use wallet::{
    ActivityFilter, ActivityLine, DocumentStatus, IssuerParty, NetworkSettings, OfferPreview,
    OfferedDocument, RenewError, SettingsError, Standing, Wallet,
};
