import { has, t } from '@jumin/shared'
import type { Address } from '@jumin/shared/types/console.ts'

/** What the issuer can issue, in the order a clerk is asked for it. */
export const CONFIGURATIONS = ['resident-card', 'household-register', 'individual-register'] as const
/** Entries that somebody should look into. */
export const ALERTS = ['alert.looks-refused', 'alert.many-looks', 'alert.many-refused'] as const
export const ACTIONS = [
  ...ALERTS,
  'account.set',
  'audit.list',
  'credential.issue',
  'credential.list',
  'credential.reinstate',
  'credential.revoke',
  'credential.suspend',
  'credential.view',
  'dictionary.publish',
  'did.changed',
  'offer.create',
  'offer.dead',
  'offer.refused',
  'offer.view',
  'register.import',
  'register.sample',
  'resident.search',
  'resident.view',
  'session.refused',
  'session.sign-in',
  'session.sign-out',
  'status-list.publish',
] as const
export const STATES = ['open', 'taken', 'accepted', 'expired', 'locked'] as const

const named = (prefix: string, code: string) => (has(`${prefix}.${code}`) ? t(`${prefix}.${code}`) : code)

/** Names a document type; one that this page doesn't know keeps its id. */
export const documentName = (configuration: string): string => named('document', configuration)
/** Names a credential type of the ledger, `urn:jumin:resident-card:1`. */
export const typeName = (vct: string): string => documentName(/^urn:jumin:([a-z-]+):\d+$/.exec(vct)?.[1] ?? vct)
export const actionName = (action: string): string => named('audit.action', action)
export const isAlert = (action: string): boolean => action.startsWith('alert.')
export const actorName = (actor: string): string => named('audit.actor', actor)
/** Says a word of the register (본인, 전입 …) in the language in use; an unknown one as it stands there. */
export const registerWord = (word: string): string => named('register', word)

/** Writes an address on one line as the register does. */
export function addressLine({ sido, sigungu, road, detail, eupmyeondong }: Address): string {
  const line = [sido, sigungu, road].filter(Boolean).join(' ')
  return `${line}${detail ? `, ${detail}` : ''} (${eupmyeondong})`
}

const CENTURIES: Record<string, number> = { 1: 1900, 2: 1900, 5: 1900, 6: 1900, 3: 2000, 4: 2000, 7: 2000, 8: 2000, 9: 1800, 0: 1800 }

/** Reads the birth date (YYYY-MM-DD) and the sex from a resident registration number; null where it has another form. */
export function readNumber(number: string): { birthdate: string; sex: 'female' | 'male' } | null {
  const parts = /^(\d\d)(\d\d)(\d\d)-(\d)/.exec(number)
  if (!parts) return null
  const [, year, month, day, mark] = parts as unknown as string[]
  return {
    birthdate: `${CENTURIES[mark!]! + Number(year)}-${month}-${day}`,
    sex: Number(mark) % 2 === 0 ? 'female' : 'male',
  }
}

/** Hides the last six digits: `900101-1******`. */
export const maskNumber = (number: string): string => number.replace(/^(.{8}).*$/u, '$1******')

/** Counts whole years from a birth date (YYYY-MM-DD) to a day in Korea. */
export function ageOn(birthdate: string, at: number): number {
  const [y, m, d] = birthdate.split('-').map(Number) as [number, number, number]
  const today = new Date((at + 9 * 3600) * 1000)
  const had = today.getUTCMonth() + 1 > m || (today.getUTCMonth() + 1 === m && today.getUTCDate() >= d)
  return today.getUTCFullYear() - y - (had ? 0 : 1)
}

/** Shortens an id for a table; the page of it shows it whole. */
export const shortId = (id: string): string => (id.length > 12 ? `…${id.slice(-8)}` : id)

/** Writes a day (YYYY-MM-DD) as short as an axis needs it: month and day. */
export function shortDay(day: string): string {
  const parts = /^\d{4}-(\d\d)-(\d\d)$/.exec(day)
  return parts ? `${Number(parts[1])}/${Number(parts[2])}` : day
}
