// Generated from the Rust DTOs of `wallet-app/src/dto`; its test writes and checks this file.

export interface Localized { ko: string; en: string }
/** A QR code: modules a side, and the dark ones as one SVG path. */
export interface CodeDrawing { modules: number; path: string }
/** What every command fails with: a stable code, and the numbers or names that its message needs. */
export interface CommandError { code: string; values: Record<string, string | number> }

export type Theme = 'system' | 'light' | 'dark'
export interface Preferences { language: 'ko' | 'en' | null; theme: Theme; lock_minutes: number }
export type WalletState = 'no_network' | 'new' | 'locked' | 'unlocked' | 'unusable'
export interface AppState {
  state: WalletState
  /** Why the wallet is unusable: `wallet_in_use`, `vault_damaged`, `vault_newer`, `no_keyring` … */
  problem: CommandError | null
  /** What protects the wallet, once there is one. */
  protection: 'keyring' | 'passphrase' | null
  /** Whether a new wallet could use the desktop's keyring. */
  keyring_available: boolean
  network: string | null
  preferences: Preferences
}
export interface About { version: string; network: string; nodes: string[]; folder: string; protection: 'keyring' | 'passphrase'; records: Checked | null }

export type Verification = 'valid' | 'suspended' | 'revoked' | 'unknown'
/** `checked_at`: seconds since 1970. `reason`: why it is unknown, a code. */
export interface DocumentStatus { status: Verification; reason: string | null; checked_at: number; list_age_seconds: number | null; block: number | null }
export interface CardFace { background: string; text: string; title: string; portrait: string | null; lines: { label: Localized; value: string }[] }
export interface DocumentSummary {
  id: string; vct: string; name: Localized; issuer: string; issuer_name: Localized
  issued_at: number; expires: number; accepted_at: number
  state: 'valid' | 'expired' | 'not_yet_valid'; copies: number; copies_left: number
  /** What the drawn card shows; numbers and addresses are not on it before they are asked for. */
  card: CardFace
}
export type ClaimValue =
  | { kind: 'text'; text: string } | { kind: 'date'; date: string } | { kind: 'yes_no'; yes: boolean }
  | { kind: 'picture'; src: string } | { kind: 'masked'; text: string }
export interface Claim { path: string; label: Localized; value: ClaimValue; selectively_disclosable: boolean }
/** `key`: `person`, `address`, `age`, `document`, `household`, `history` or `other`; `entry` numbers repeated groups. */
export interface ClaimGroup { key: string; label: Localized | null; entry: number | null; claims: Claim[] }
export interface DocumentDetail { summary: DocumentSummary; groups: ClaimGroup[]; shown: Activity[] }

export interface Checked { online: boolean; block: number; age_seconds: number }
export interface Party { id: string; did: string | null; name: Localized | null; accredited: boolean; not_accredited_because: string | null; checked: Checked | null }
export type ActivityKind = 'accepted' | 'shown' | 'shown-one-way' | 'sent' | 'deleted'
export interface Activity {
  at: number; kind: ActivityKind; document: string | null; document_name: Localized | null
  party: { id: string; name: Localized | null; accredited: boolean } | null; claims: Localized[]; outcome: string
}

export interface TransactionCode { numeric: boolean; length: number | null; description: string | null }
export interface Offer { documents: { name: Localized; card: CardFace | null }[]; issuer_url: string; issuer: Party; transaction_code: TransactionCode | null }

export interface ConsentDocument {
  query_id: string; document: DocumentSummary; disclosed: Claim[]; always: Claim[]
  /** Names of what stays hidden. */
  hidden: Localized[]
  /** All copies are used: agreeing shows one again. */
  reused: boolean
}
export type Mode = 'qr' | 'one-way' | 'online'
export interface Consent {
  verifier: Party; mode: Mode; response_uri: string | null; expires: number | null
  documents: ConsentDocument[]
  /** Other documents that would answer too; only where one document is asked for. */
  alternatives: DocumentSummary[]
}
/** `frames`: one code to hold up, or several to be shown in turn. `until`: when it ends, seconds since 1970. */
export interface Answer { mode: Mode; verifier: Party; frames: CodeDrawing[]; until: number | null; copies_left: number; disclosed: Localized[]; redirect: boolean }

export type Scan =
  | { kind: 'progress'; received: number; needed: number }
  | { kind: 'offer'; offer: Offer }
  | { kind: 'request'; consent: Consent }
export interface Agency { did: string; name: Localized }
export interface Service { service: string; name: Localized }
