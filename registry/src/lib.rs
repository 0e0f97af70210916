//! The DID registry's records, operations, state rules and proofs.
