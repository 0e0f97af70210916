// Generated from the Rust DTOs of `issuer`; its test writes (UPDATE_TYPES=1) and checks this file.

/**
 * A text in both languages.
 */
export type Localized = { ko: string, en: string, };

/**
 * A QR code as one SVG path, its unit a module, without the quiet zone.
 */
export type CodeDrawing = {
/**
 * Modules a side.
 */
modules: number, path: string, };

/**
 * An error answer (RFC 9457), as `jumin_http::Problem` writes it.
 */
export type Problem = { status: number,
/**
 * Stable.
 */
code: string, title: string, detail: string, };

/**
 * Who is signed in.
 */
export type Session = { account: string,
/**
 * When it ends unless it is used, in seconds since the Unix epoch.
 */
expires_at: number, };

/**
 * One line of a search result.
 */
export type ResidentSummary = { id: string, name: string, name_roman: string, birthdate: string, relation: string, household: string, address: string, };

/**
 * A resident's name in its three writings.
 */
export type Name = { hangul: string,
/**
 * Absent where the name has no 한자.
 */
hanja: string | null, roman: string, };

/**
 * A road-name address (도로명주소).
 */
export type Address = { sido: string,
/**
 * Absent in 세종특별자치시, which has none.
 */
sigungu: string | null, eupmyeondong: string, road: string, detail: string | null, };

/**
 * One stay in the address history.
 */
export type Stay = { address: Address, from: string,
/**
 * Why the entry was made, for example 전입 or 출생등록.
 */
reason: string, };

/**
 * One change of name.
 */
export type NameChange = { from: string, to: string, on: string, };

/**
 * One resident.
 */
export type Resident = { id: string, household: string,
/**
 * To the household's head: 본인 for the head.
 */
relation: string, name: Name, number: string, card_issued: string | null,
/**
 * Oldest first; the last one is the current address.
 */
stays: Array<Stay>, name_changes: Array<NameChange>, };

/**
 * A household: who heads it and how it came about.
 */
export type Household = { id: string, composed: string, reason: string, };

/**
 * The status of an issued batch.
 */
export type CredentialStatus = "valid" | "suspended" | "revoked";

/**
 * One issued batch.
 */
export type Credential = { id: string, resident_id: string,
/**
 * As the register writes it now.
 */
resident_name: string, credential_configuration_id: string, vct: string,
/**
 * How many copies the batch has.
 */
copies: number,
/**
 * Seconds since the Unix epoch.
 */
issued_at: number,
/**
 * Seconds since the Unix epoch.
 */
expires_at: number,
/**
 * What the current, anchored status list says.
 */
status: CredentialStatus,
/**
 * What it was asked to become; the ledger hasn't finalized that yet.
 */
pending: CredentialStatus | null, };

/**
 * The ledger's block that made a status final.
 */
export type Block = { height: number,
/**
 * The block's time, in seconds since the Unix epoch.
 */
at: number, };

/**
 * A status change as it was asked for, and what came of it.
 */
export type StatusChange = {
/**
 * When it was asked for, in seconds since the Unix epoch.
 */
at: number, actor: string, to: CredentialStatus, reason: string,
/**
 * Nothing of it is pending any more.
 */
final: boolean,
/**
 * Absent while it is pending, where a later change overtook it, and for changes older than this record.
 */
block: Block | null, };

/**
 * A batch with everything that was done about its status.
 */
export type CredentialDetail = { credential: Credential,
/**
 * The newest first.
 */
changes: Array<StatusChange>, };

/**
 * What came of a status change.
 */
export type ChangeAnswer = { id: string,
/**
 * What the anchored status list says.
 */
status: CredentialStatus,
/**
 * What it will say; absent once that is finalized on the ledger.
 */
pending: CredentialStatus | null,
/**
 * Why it is still pending.
 */
pending_reason: string | null,
/**
 * The ledger's block that made it final.
 */
block: Block | null, };

/**
 * How far an offer has come.
 */
export type OfferState = "open" | "taken" | "accepted" | "expired" | "locked";

/**
 * An offer as the staff sees it; nothing in it opens anything.
 */
export type OfferSummary = { id: string, resident_id: string, credential_configuration_id: string,
/**
 * Seconds since the Unix epoch.
 */
made_at: number,
/**
 * Seconds since the Unix epoch.
 */
expires_at: number, state: OfferState,
/**
 * The credential that came of it.
 */
credential_id: string | null, };

/**
 * An offer, for the citizen's eyes only: shown once, to be handed over.
 */
export type NewOffer = {
/**
 * Names the offer afterwards; opens nothing.
 */
id: string,
/**
 * `openid-credential-offer://` with the address of the offer.
 */
credential_offer_uri: string,
/**
 * The same as a QR code.
 */
code: CodeDrawing,
/**
 * To be said, not shown beside the code.
 */
tx_code: string,
/**
 * Seconds since the Unix epoch.
 */
expires_at: number, };

export type ResidentDetail = {
/**
 * The register's record.
 */
resident: Resident, household: Household, members: Array<ResidentSummary>,
/**
 * Credential configurations that the resident can get today.
 */
eligible: Array<string>, credentials: Array<Credential>,
/**
 * The offers of the last day, the newest first.
 */
offers: Array<OfferSummary>, };

/**
 * What happened on one day in Korea.
 */
export type DayCount = {
/**
 * `YYYY-MM-DD`.
 */
day: string, issued: number, revoked: number, suspended: number, };

/**
 * How the agency's credentials stand.
 */
export type Overview = { valid: number, suspended: number, revoked: number,
/**
 * Batches with a change that the ledger hasn't finalized.
 */
pending: number, open_offers: number, residents: number,
/**
 * Entries of the audit of the last 24 hours that somebody should look into.
 */
alerts: number,
/**
 * The last 30 days, the oldest first, today last.
 */
days: Array<DayCount>, };

/**
 * An entry of the audit.
 */
export type AuditEntry = {
/**
 * Counts from 1 without gaps.
 */
seq: number,
/**
 * Seconds since the Unix epoch.
 */
at: number, actor: string, action: string, subject: string,
/**
 * JSON, as it was hashed.
 */
detail: string,
/**
 * Chains the entry to the one before it; base64url.
 */
hash: string, };

/**
 * What following the whole trail found.
 */
export type AuditReport = {
/**
 * Entries that hold together, counted from the first.
 */
entries: number,
/**
 * Hash of the last entry that holds, base64url: keep it elsewhere to notice a cut-off end.
 */
head: string,
/**
 * Sequence number of the first broken link.
 */
broken_at: number | null, };

/**
 * One of the agency's keys.
 */
export type AgencyKey = {
/**
 * A DID URL.
 */
id: string, purposes: Array<string>,
/**
 * Seconds since the Unix epoch.
 */
valid_from: number,
/**
 * First second it is no longer good for.
 */
valid_until: number | null, };

/**
 * The grant by which the agency issues.
 */
export type Accreditation = {
/**
 * Credential types (`vct`).
 */
types: Array<string>,
/**
 * Seconds since the Unix epoch.
 */
from: number,
/**
 * First second it no longer holds.
 */
until: number,
/**
 * `governance`, or a DID.
 */
accreditor: string, name: Localized, };

/**
 * Something that the agency publishes and the ledger has the digest of.
 */
export type Anchor = {
/**
 * `status-list` or `dictionary`.
 */
kind: string,
/**
 * The list's URI, or the dictionary's `vct`.
 */
name: string, version: number,
/**
 * Base64url.
 */
sha256: string,
/**
 * When a newer version is due at the latest, in seconds since the Unix epoch.
 */
next_update: number | null, };

/**
 * Something for which the database isn't the latest word.
 */
export type Conflict = { "kind": "backup",
/**
 * When the backup was made, in seconds since the Unix epoch.
 */
made: number, } | { "kind": "list", uri: string, version: number, } | { "kind": "dictionary", vct: string, version: number, } | { "kind": "document", version: number, } | { "kind": "key",
/**
 * The key's DID URL.
 */
id: string, } | { "kind": "deactivated" };

/**
 * The agency as the ledger knows it.
 */
export type Agency = { did: string,
/**
 * From the issuer's own settings; the accreditation has the ledger's.
 */
name: Localized, network: string, public_url: string, proof: "proven" | "unreachable" | "invalid",
/**
 * A stable code.
 */
proof_problem: string | null, checkpoint: { height: number,
/**
 * Seconds since the Unix epoch.
 */
at: number, age_seconds: number, } | null, document_version: number | null, keys: Array<AgencyKey>, accreditation: Accreditation | null,
/**
 * A stable code: why the accreditation doesn't hold now.
 */
accreditation_problem: string | null, anchors: Array<Anchor>, publisher: {
/**
 * Batches with a change that the ledger hasn't finalized.
 */
pending: number,
/**
 * Why the last round didn't publish everything.
 */
problem: string | null,
/**
 * The database was compared with the ledger since the start; until then nothing is signed.
 */
compared: boolean,
/**
 * What the ledger has and the database doesn't know: nothing is signed.
 */
conflicts: Array<Conflict>, }, };
