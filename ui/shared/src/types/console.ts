// Generated from the Rust DTOs of `issuer`; its test writes and checks this file.

export interface Localized { ko: string; en: string }
export interface CodeDrawing { modules: number; path: string }
/** RFC 9457; `code` is stable. */
export interface Problem { status: number; code: string; title: string; detail: string }

export interface Session { account: string; expires_at: number }

export interface ResidentSummary { id: string; name: string; name_roman: string; birthdate: string; relation: string; household: string; address: string }
export interface Name { hangul: string; hanja: string | null; roman: string }
export interface Address { sido: string; sigungu: string | null; eupmyeondong: string; road: string; detail: string | null }
export interface Stay { address: Address; from: string; reason: string }
export interface NameChange { from: string; to: string; on: string }
export interface Resident { id: string; household: string; relation: string; name: Name; number: string; card_issued: string | null; stays: Stay[]; name_changes: NameChange[] }
export interface Household { id: string; composed: string; reason: string }

export type CredentialStatus = 'valid' | 'suspended' | 'revoked'
export interface Credential {
  id: string; resident_id: string; resident_name: string; credential_configuration_id: string; vct: string
  copies: number; issued_at: number; expires_at: number; status: CredentialStatus; pending: CredentialStatus | null
}
/** The ledger's block that made a status final. */
export interface Block { height: number; at: number }
export interface StatusChange { at: number; actor: string; to: CredentialStatus; reason: string; final: boolean; block: Block | null }
export interface CredentialDetail { credential: Credential; changes: StatusChange[] }
export interface ChangeAnswer { id: string; status: CredentialStatus; pending: CredentialStatus | null; pending_reason: string | null; block: Block | null }

/** `open`: not scanned yet; `taken`: the wallet is collecting; `accepted`; `expired`; `locked`: too many wrong codes. */
export type OfferState = 'open' | 'taken' | 'accepted' | 'expired' | 'locked'
export interface OfferSummary { id: string; resident_id: string; credential_configuration_id: string; made_at: number; expires_at: number; state: OfferState; credential_id: string | null }
/** `credential_offer_uri` and `tx_code` are shown once, to be handed over. */
export interface NewOffer { id: string; credential_offer_uri: string; code: CodeDrawing; tx_code: string; expires_at: number }

export interface ResidentDetail { resident: Resident; household: Household; members: ResidentSummary[]; eligible: string[]; credentials: Credential[]; offers: OfferSummary[] }

export interface DayCount { day: string; issued: number; revoked: number; suspended: number }
export interface Overview { valid: number; suspended: number; revoked: number; pending: number; open_offers: number; residents: number; days: DayCount[] }

export interface AuditEntry { seq: number; at: number; actor: string; action: string; subject: string; detail: string; hash: string }
export interface AuditReport { entries: number; head: string; broken_at: number | null }

export interface AgencyKey { id: string; purposes: string[]; valid_from: number; valid_until: number | null }
export interface Accreditation { types: string[]; from: number; until: number; accreditor: string; name: Localized }
export interface Anchor { kind: string; name: string; version: number; sha256: string; next_update: number | null }
/** `proof`: `proven` by a certificate and inclusion proofs at `checkpoint`, `unreachable`, or `invalid`. */
export interface Agency {
  did: string; name: Localized; network: string; public_url: string
  proof: 'proven' | 'unreachable' | 'invalid'; proof_problem: string | null
  checkpoint: { height: number; at: number; age_seconds: number } | null
  document_version: number | null; keys: AgencyKey[]
  accreditation: Accreditation | null; accreditation_problem: string | null
  anchors: Anchor[]; publisher: { pending: number; problem: string | null }
}
