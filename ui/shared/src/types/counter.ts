// Generated from the Rust DTOs of `verifier/counter`; its test writes and checks this file.

export interface Localized { ko: string; en: string }
/** A QR code: modules a side, and the dark ones as one SVG path. */
export interface CodeDrawing { modules: number; path: string }
/** RFC 9457; `code` is stable. */
export interface Problem { status: number; code: string; title: string; detail: string }
/** `name` is none where the issuer is not accredited. */
export interface IssuerName { did: string; name: Localized | null }
export type StepOutcome = 'passed' | 'failed' | 'not_checked'
export interface StepReport { step: Step; outcome: StepOutcome }
/** The evidence, and how old it was. */
export interface Checked {
  checkpoint_height: number | null; checkpoint_age_seconds: number | null
  status_list_version: number | null; status_list_age_seconds: number | null; network: Network
  /** What is wrong with the issuer's server, where its list is missing. */
  issuer_trouble: Trouble | null
}
export type Verdict = 'valid' | 'revoked' | 'suspended' | 'expired' | 'not_yet_valid' | 'signature_invalid' | 'issuer_unknown' | 'issuer_not_accredited' | 'issuer_deactivated' | 'issuer_key_ended' | 'holder_binding_invalid' | 'replayed' | 'presentation_expired' | 'request_mismatch' | 'status_unknown' | 'status_stale' | 'ledger_stale' | 'ledger_proof_invalid' | 'unsupported' | 'malformed'
export type Step = 'form' | 'checkpoint' | 'issuer_document' | 'accreditation' | 'issuer_signature' | 'validity' | 'holder_binding' | 'status' | 'query'
export type Assurance = 'strict' | 'one-way' | 'online'
export type Network = "online" | "offline";
export type Trouble = "unreachable" | "unusable";
export type AgencyTrouble = { 
/**
 * Its DID.
 */
did: string, 
/**
 * What its accreditation calls it; none if it is not accredited now.
 */
name: Localized | null, 
/**
 * What is wrong.
 */
trouble: Trouble, 
/**
 * Since when, in seconds since the epoch.
 */
since: number, 
/**
 * Lists and dictionaries that are missing.
 */
missing: number, };
export type Mode = "qr" | "online" | "one-way";
export type Started = { 
/**
 * Unguessable identifier.
 */
id: string, 
/**
 * Texts of the QR codes to show, in turn if there are several; none in one-way mode.
 */
qr: Array<string>, 
/**
 * The same codes, ready to be drawn.
 */
codes: CodeDrawing[], 
/**
 * Where a wallet fetches the request object; online mode only.
 */
request_uri?: string, 
/**
 * Until when it can be answered, in seconds since the epoch.
 */
expires_at: number, };
export type RequestState = "pending" | "answered" | "declined" | "expired";
export type RequestView = { id: string, service: string, mode: Assurance, state: RequestState, expires_at: number, 
/**
 * The outcome; only its code and time once the claims are gone from memory.
 */
verdict: Outcome | { verdict: Verdict; at: number | null } | null, };
export type Outcome = { 
/**
 * Names this outcome, for the clerk's decision about it.
 */
id: string, 
/**
 * The verdict's stable code.
 */
verdict: Verdict, 
/**
 * `strict`, `one-way` or `online`; none if the scan could not be matched to a service.
 */
assurance: Assurance | null, 
/**
 * The service asked for; none if the scan could not be matched to one.
 */
service: string | null, 
/**
 * The credential's type, once it was found signed by its issuer.
 */
credential_type: string | null, 
/**
 * The claims asked for and shown.
 */
claims: Record<string, unknown>, 
/**
 * The issuer that the credential names, once the ledger knows it.
 */
issuer: IssuerName | null, 
/**
 * Whether that issuer is accredited and its signature right: else it is only a name.
 */
issuer_proven: boolean, 
/**
 * The evidence and its age.
 */
checked: Checked, 
/**
 * What became of each step.
 */
steps: StepReport[], 
/**
 * Whether the clerk may accept although the status could not be learnt.
 */
clerk_may_accept: boolean, 
/**
 * One sentence for people.
 */
reason: string, 
/**
 * When it was decided, in seconds since the epoch.
 */
at: number, };
export type ScanProgress = { 
/**
 * Frames read.
 */
received: number, 
/**
 * Frames needed, at least.
 */
needed: number, };
export type ScanAnswer = { 
/**
 * How far it is.
 */
progress: ScanProgress, } | Outcome;
export type Ruling = "accepted" | "refused" | "replayed";
export type ClerkDecision = { 
/**
 * The outcome decided about.
 */
outcome: string, 
/**
 * What became of it.
 */
ruling: Ruling, 
/**
 * When, in seconds since the epoch.
 */
at: number, };
export type AskedClaim = { 
/**
 * Where it is: `address.sido`, `members[*].name`.
 */
path: string, 
/**
 * What its type calls it.
 */
label: Localized, 
/**
 * What its type calls the group it is in, if it is in one.
 */
group: Localized | null, };
export type ServiceInfo = { 
/**
 * Identifier of the service.
 */
service: string, 
/**
 * What people call it.
 */
name: Localized, 
/**
 * Whether a code without a request is taken, at a lower assurance.
 */
one_way: boolean, 
/**
 * Whether the clerk may accept where the status could not be learnt.
 */
clerk_decides: boolean, 
/**
 * Life of a request, in seconds.
 */
request_seconds: number, 
/**
 * What is asked, in the order of the query.
 */
asks: Array<AskedClaim>, };
export type ClockState = "ok" | "behind" | "doubtful";
export type Freshness = "fresh" | "status_stale" | "ledger_stale";
export type Standing = "accredited" | "beyond" | "not_accredited" | "unknown";
export type ServiceFreshness = { 
/**
 * The service.
 */
service: string, 
/**
 * How it stands.
 */
freshness: Freshness, 
/**
 * Whether the office is accredited for what it asks for.
 */
standing: Standing, 
/**
 * What it asks for beyond that, if some of it.
 */
beyond: Array<AskedClaim>, };
export type OfficeStatus = { 
/**
 * What the office is called.
 */
office: Localized, 
/**
 * The office's DID.
 */
verifier: string, 
/**
 * Whether a node answered at the last attempt.
 */
network: Network, 
/**
 * Height of the checkpoint in use; none if nothing is known of the ledger yet.
 */
checkpoint_height: number | null, 
/**
 * Its age.
 */
checkpoint_age_seconds: number | null, 
/**
 * Time since the oldest of the status lists in use was signed.
 */
oldest_list_age_seconds: number | null, 
/**
 * Status lists at hand as anchored.
 */
status_lists: number | null, 
/**
 * Dictionaries at hand as anchored.
 */
dictionaries: number | null, 
/**
 * Agencies that publish lists or dictionaries.
 */
agencies: number, 
/**
 * Those of which something could not be had: only their cards are affected.
 */
troubled: Array<AgencyTrouble>, 
/**
 * Whether the clock of this machine seems right.
 */
clock: ClockState, 
/**
 * Whether what is known is young enough for each service, and whether the office may ask for it.
 */
services: Array<ServiceFreshness>, 
/**
 * The counter's clock, in seconds since the epoch.
 */
now: number, };
export type SyncReport = { 
/**
 * Height of the checkpoint in use now.
 */
checkpoint_height: number, 
/**
 * Time of that checkpoint, in milliseconds since the epoch.
 */
checkpoint_time_ms: number, 
/**
 * Status lists at hand as anchored.
 */
status_lists: number, 
/**
 * Dictionaries at hand as anchored.
 */
dictionaries: number, 
/**
 * Agencies that publish lists or dictionaries.
 */
agencies: number, 
/**
 * Those of which something could not be had.
 */
troubled: Array<AgencyTrouble>, 
/**
 * What could not be had, one line each.
 */
missing: Array<string>, };
