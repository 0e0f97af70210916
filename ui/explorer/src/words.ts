import { day, has, language, moment, number, pick, t } from '@jumin/shared'
import type { Localized, OperationView } from '@jumin/shared/types/explorer.ts'
import type { ApiError } from './api'
import { nameOf } from './state/names.svelte'

/** Shortens a key, hash or DID to its begin and end. */
export function short(text: string, ends = 6): string {
  const tail = text.slice(text.lastIndexOf(':') + 1)
  return tail.length <= 2 * ends + 1 ? tail : `${tail.slice(0, ends)}…${tail.slice(-ends)}`
}

/** Names a DID by its accreditation, else by its short form; `governance` by its word. */
export function party(who: string, name?: Localized | null): string {
  if (who === 'governance') return t('governance')
  const known = pick(name ?? nameOf(who) ?? null)
  return known || short(who)
}

const FINAL_CONSONANT: Record<string, boolean> = {
  '0': true, '1': true, '3': true, '6': true, '7': true, '8': true, L: true, M: true, N: true, R: true,
}

/** Tells whether a word ends in a consonant as it is read in Korean. */
function endsInConsonant(word: string): boolean {
  const last = [...word].at(-1) ?? ''
  const syllable = last.charCodeAt(0) - 0xac00
  if (syllable >= 0 && syllable < 11_172) return syllable % 28 !== 0
  return FINAL_CONSONANT[last.toUpperCase()] ?? false
}

/** Puts the right form of a Korean particle after a word; English needs none. */
export function particle(word: string, afterConsonant: string, afterVowel: string): string {
  if (language() !== 'ko') return word
  return word + (endsInConsonant(word) ? afterConsonant : afterVowel)
}

/** The last second that a calendar here knows. */
const END_OF_TIME = 8.64e12

/** Writes a day (Unix seconds); one beyond all calendars is without end. */
export const date = (at: number): string => (at > END_OF_TIME ? t('time.never') : day(at))

/** Writes a day and time (Unix seconds); one beyond all calendars is without end. */
const time = (at: number): string => (at > END_OF_TIME ? t('time.never') : moment(at))

/** Says in plain words what an operation did. */
export function effect(operation: OperationView): string {
  const subject = operation.subject ? party(operation.subject, operation.name) : ''
  const anchored = operation.anchored ?? ''
  return t(`effect.${operation.kind}`, {
    who: particle(party(operation.by), '이', '가'),
    whom: particle(subject, '을', '를'),
    whose: subject,
    role: operation.role ? t(`role.${operation.role}`) : '',
    from: operation.from === null ? '' : time(operation.from),
    until: operation.until === null ? '' : time(operation.until),
    what: anchored,
    version: operation.version ?? 0,
    added: operation.added.length,
    removed: operation.removed.length,
    count: operation.governors?.[0] ?? 0,
    threshold: operation.governors?.[1] ?? 0,
  })
}

/** Says what became of a question to the node. */
export function problemText(error: ApiError): string {
  return has(`problem.${error.code}`) ? t(`problem.${error.code}`) : t('problem.other', { code: error.code })
}

/** Names a credential type by its last telling part: `urn:jumin:resident-card:1` is `resident-card`. */
export function typeName(vct: string): string {
  const key = `type.${vct}`
  return has(key) ? t(key) : vct
}

/** The seconds of a block's time. */
export const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000)

/** Writes a time to the second, in Korea. */
export function exact(milliseconds: number): string {
  if (!(Math.abs(milliseconds) <= 8.64e15)) return t('time.never')
  const locale = language() === 'ko' ? 'ko-KR' : 'en-GB'
  return new Intl.DateTimeFormat(locale, { timeZone: 'Asia/Seoul', dateStyle: 'medium', timeStyle: 'medium' }).format(milliseconds)
}

/** Writes bytes for people. */
export function bytes(count: number): string {
  return count < 1000 ? `${number(count)} B` : `${number(Math.round(count / 100) / 10)} kB`
}
