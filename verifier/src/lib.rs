//! Decides whether a presentation is acceptable.
//!
//! Nothing here has a clock, a network or a random number generator. A caller starts a request
//! ([`start`]) and checks what comes back ([`PendingRequest::finish`]) against a [`LedgerView`],
//! which holds only what was proven; the outcome is a [`Report`] with one of 19 [`Verdict`]s.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod issuer;
mod ledger_view;
mod policy;
mod refusal_cause;
mod report;
mod request;
mod trail;
mod verdict;
mod verify;

pub use ledger_view::{EvidenceError, LedgerView};
pub use policy::{
    OnStatusUnknown, PolicyError, QuerySource, ServiceName, ServicePolicy, builtin_services,
};
pub use refusal_cause::verdict_of;
pub use report::{Assurance, Checked, IssuerName, Report, Step, StepOutcome, StepReport};
pub use request::{Delivery, PendingRequest, StartError, VerifierIdentity, start};
pub use verdict::Verdict;
pub use verify::{Refusal, VerifiedPresentation};
