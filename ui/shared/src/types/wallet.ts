// Generated from the Rust DTOs of `wallet-app/src/dto`; its test writes and checks this file.

/** Are all codes of `CommandError`. */
export const errorCodes = [
  'internal',
  'wallet_locked',
  'nothing_at_hand',
  'not_confirmed',
  'network_missing',
  'network_file_unreadable',
  'bad_network_file',
  'bad_node',
  'bad_trust_file',
  'trust_anchors_unreadable',
  'link_not_opened',
  'unknown_claim',
  'wallet_exists',
  'wallet_unfinished',
  'wallet_missing',
  'wallet_in_use',
  'pin_too_short',
  'passphrase_too_short',
  'secret_too_long',
  'wrong_pin',
  'pin_too_soon',
  'pin_count_lost',
  'pin_locked_out',
  'no_keyring',
  'keyring_entry_missing',
  'vault_damaged',
  'vault_newer',
  'key_failed',
  'storage_failed',
  'storage_read_only',
  'disk_full',
  'not_an_offer',
  'offer_gone',
  'unsupported',
  'tx_code_missing',
  'tx_code_form',
  'offer_refused',
  'issuer_error',
  'issuer_wrong_answer',
  'issuer_mismatch',
  'no_issuer_at_server',
  'foreign_server',
  'wrong_credential',
  'signature_invalid',
  'expired',
  'not_yet_valid',
  'malformed',
  'not_a_request',
  'request_incomplete',
  'code_unreadable',
  'request_malformed',
  'request_unsupported',
  'request_client_mismatch',
  'request_signature_invalid',
  'request_expired',
  'request_not_yet_valid',
  'request_unsigned',
  'foreign_verifier',
  'untrusted_certificate',
  'wallet_nonce',
  'unknown_verifier',
  'beyond_accreditation',
  'unknown_service',
  'service_needs_request',
  'unknown_document',
  'nothing_fits',
  'claims_withheld',
  'copies_used_up',
  'several_documents',
  'presentation_failed',
  'verifier_refused',
  'qr_foreign',
  'qr_version',
  'qr_truncated',
  'qr_too_long',
  'qr_malformed',
  'qr_frame_damaged',
  'qr_frames_mixed',
  'qr_too_many_frames',
  'qr_message_damaged',
  'qr_inflates',
  'qr_limit',
  'qr_dictionary_unknown',
  'qr_header_unknown',
  'qr_too_large',
  'qr_compression_failed',
  'qr_not_for_a_wallet',
  'ledger_unreachable',
  'ledger_proof_invalid',
  'trust_expired',
  'other_network',
  'network_file_older',
  'ledger_went_back',
  'ledger_forked',
  'ledger_stale',
  'clock_wrong',
  'unknown_identifier',
  'unknown_key',
  'accreditation_unknown',
  'issuer_not_accredited',
  'issuer_deactivated',
  'unknown_type',
  'type_integrity',
  'no_bundle',
  'no_such_agency',
  'ambiguous_agency',
  'client_setup_failed',
  'insecure_url',
  'unreachable',
  'timeout',
  'too_slow',
  'connection_broken',
  'redirect_refused',
  'answer_too_large',
  'answer_not_json',
  'request_unwritable',
] as const
export type ErrorCode = (typeof errorCodes)[number]

/**
 * Is a name in both languages.
 */
export type Localized = { ko: string, en: string, };

/**
 * Is a QR code: modules a side, and the dark ones as one SVG path.
 */
export type CodeDrawing = { modules: number, path: string, };

/**
 * What every command fails with: a stable code, and the numbers or names that its message needs.
 */
export type CommandError = { code: string, values: Record<string, string | number>, };

/**
 * Is a language of the window.
 */
export type Language = "ko" | "en";

/**
 * Is the window's look.
 */
export type Theme = "system" | "light" | "dark";

/**
 * Is what the citizen likes; `null` for the desktop's language.
 */
export type Preferences = { language: Language | null, theme: Theme, lock_minutes: number, };

/**
 * Says how far the wallet is.
 */
export type WalletState = "no_network" | "new" | "locked" | "unlocked" | "unusable";

/**
 * Says what protects a wallet.
 */
export type Protection = "keyring" | "passphrase";

/**
 * Is what the page starts with.
 */
export type AppState = { state: WalletState,
/**
 * Why the wallet is unusable: `wallet_in_use`, `vault_damaged`, `vault_newer`, `no_keyring` …
 */
problem: CommandError | null,
/**
 * What protects the wallet, once there is one.
 */
protection: Protection | null,
/**
 * Whether a new wallet could use the desktop's keyring.
 */
keyring_available: boolean, network: string | null, preferences: Preferences, };

/**
 * Says against which state of the ledger something was checked.
 */
export type Checked = { online: boolean, block: number, age_seconds: number, };

/**
 * Is what a citizen may want to know about the program.
 */
export type About = { version: string, network: string, nodes: Array<string>, folder: string, protection: Protection,
/**
 * The wallet's own copy of the ledger's records; `null` while it has none, or is locked.
 */
records: Checked | null, };

/**
 * Says how a document stands with its issuer.
 */
export type Verification = "valid" | "suspended" | "revoked" | "key_ended" | "issuer_not_accredited" | "issuer_deactivated" | "unknown";

/**
 * `checked_at`: seconds since 1970. `reason`: why it is unknown, a code.
 */
export type DocumentStatus = { status: Verification, reason: string | null, checked_at: number, list_age_seconds: number | null, block: number | null, };

/**
 * Is one line on a card.
 */
export type CardLine = { label: Localized, value: string, };

/**
 * Is what the drawn card shows.
 */
export type CardFace = { background: string, text: string,
/**
 * Empty for a document that is only offered.
 */
title: string, portrait: string | null, lines: Array<CardLine>, };

/**
 * Is a document in one line; times in seconds since 1970.
 */
export type DocumentSummary = { id: string, vct: string, name: Localized, issuer: string, issuer_name: Localized, issued_at: number, expires: number, accepted_at: number, state: "valid" | "expired" | "not_yet_valid", copies: number, copies_left: number,
/**
 * What the drawn card shows; numbers and addresses are not on it before they are asked for.
 */
card: CardFace, };

/**
 * Is a claim's value as the page may see it.
 */
export type ClaimValue = { "kind": "text", text: string, } | { "kind": "date", date: string, } | { "kind": "yes_no", yes: boolean, } | { "kind": "picture", src: string, } | { "kind": "masked", text: string, };

/**
 * Is one claim.
 */
export type Claim = { path: string, label: Localized, value: ClaimValue, selectively_disclosable: boolean, };

/**
 * `key`: `person`, `address`, `age`, `document`, `household`, `history` or `other`; `entry` numbers repeated groups.
 */
export type ClaimGroup = { key: string, label: Localized | null, entry: number | null, claims: Array<Claim>, };

/**
 * Says what was done.
 */
export type ActivityKind = "accepted" | "shown" | "shown-one-way" | "sent" | "deleted";

/**
 * Is the other side, as it was known at that time.
 */
export type ActivityParty = { id: string, name: Localized | null, accredited: boolean, };

/**
 * Is one line of the log.
 */
export type Activity = { at: number, kind: ActivityKind, document: string | null, document_name: Localized | null, party: ActivityParty | null,
/**
 * Names of what was disclosed.
 */
claims: Array<Localized>,
/**
 * `done`, `sending` (never heard of again), or an error's code.
 */
outcome: string, };

/**
 * Is a document with all that it says, and what of it was shown.
 */
export type DocumentDetail = { summary: DocumentSummary, groups: Array<ClaimGroup>, shown: Array<Activity>, };

/**
 * Is the other side, as far as the ledger or a certificate vouches for it.
 */
export type Party = { id: string, did: string | null, name: Localized | null, accredited: boolean, not_accredited_because: string | null,
/**
 * Nothing was found out, good or bad: another time it may be.
 */
unchecked: boolean,
/**
 * What a verifier is accredited to ask for; none if that is all of the document. Also none of issuers.
 */
may_ask: Array<Localized> | null,
/**
 * What an accredited verifier asks for beyond that.
 */
beyond: Array<Localized>, checked: Checked | null, };

/**
 * Says what a transaction code looks like.
 */
export type TransactionCode = { numeric: boolean, length: number | null, description: string | null, };

/**
 * Is one offered document.
 */
export type OfferedDocument = { name: Localized, card: CardFace | null, };

/**
 * Is an offer before it is accepted.
 */
export type Offer = { documents: Array<OfferedDocument>, issuer_url: string, issuer: Party, transaction_code: TransactionCode | null, };

/**
 * Is one document that would answer, and what of it would be seen.
 */
export type ConsentDocument = { query_id: string, document: DocumentSummary, disclosed: Array<Claim>, always: Array<Claim>,
/**
 * Names of what stays hidden.
 */
hidden: Array<Localized>,
/**
 * All copies are used: agreeing shows one again.
 */
reused: boolean, };

/**
 * Says how an answer travels.
 */
export type Mode = "qr" | "one-way" | "online";

/**
 * Is what the citizen decides about.
 */
export type Consent = { verifier: Party, mode: Mode, response_uri: string | null, expires: number | null, documents: Array<ConsentDocument>,
/**
 * Other documents that would answer too; only where one document is asked for.
 */
alternatives: Array<DocumentSummary>, };

/**
 * `frames`: one code to hold up, or several to be shown in turn. `until`: when it ends, seconds since 1970.
 */
export type Answer = { mode: Mode, verifier: Party, frames: Array<CodeDrawing>, until: number | null, copies_left: number, disclosed: Array<Localized>,
/**
 * The verifier has a page to go on to: `open_redirect`.
 */
redirect: boolean, };

/**
 * Says what was scanned.
 */
export type Scan = { "kind": "progress", received: number, needed: number, } | { "kind": "offer", offer: Offer, } | { "kind": "request", consent: Consent, };

/**
 * Is an agency that may ask for documents.
 */
export type Agency = { did: string, name: Localized, };

/**
 * Is a registered service.
 */
export type Service = { service: string, name: Localized, };
