import type { Ruling, Verdict } from '@jumin/shared/types/counter.ts'

/** What a verdict comes to for the clerk: accept, don't accept, or "could not find out", which is neither. */
export type Kind = 'valid' | 'refused' | 'unknown'

/** Every verdict; a test holds the catalogues to the list. */
export const kinds: Record<Verdict, Kind> = {
  valid: 'valid',
  revoked: 'refused',
  suspended: 'refused',
  expired: 'refused',
  not_yet_valid: 'refused',
  signature_invalid: 'refused',
  issuer_unknown: 'refused',
  issuer_not_accredited: 'refused',
  issuer_deactivated: 'refused',
  issuer_key_ended: 'refused',
  holder_binding_invalid: 'refused',
  replayed: 'refused',
  presentation_expired: 'refused',
  request_mismatch: 'refused',
  status_unknown: 'unknown',
  status_stale: 'unknown',
  ledger_stale: 'unknown',
  ledger_proof_invalid: 'unknown',
  // Nothing was learnt about anybody.
  unsupported: 'unknown',
  malformed: 'unknown',
}

/** Tells the kind of a verdict; one that this page does not know is never taken for valid. */
export function kindOf(verdict: string): Kind {
  return Object.hasOwn(kinds, verdict) ? kinds[verdict as Verdict] : 'unknown'
}

/** Tells the kind after the clerk's decision. An overruled verdict never becomes a green one. */
export function kindAfter(kind: Kind, ruling: Ruling | null): Kind {
  return ruling === 'refused' || ruling === 'replayed' ? 'refused' : kind
}

/** The verdicts after which the same person tries again with a new request. */
export const retried: Verdict[] = ['presentation_expired', 'request_mismatch', 'replayed', 'malformed', 'unsupported']
