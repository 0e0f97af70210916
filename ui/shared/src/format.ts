import { language, t } from './i18n.svelte'

const locale = () => (language() === 'ko' ? 'ko-KR' : 'en-GB')
const korea = { timeZone: 'Asia/Seoul' } as const

/** Writes a day (seconds since 1970, Korean time), for example 2026. 11. 22. */
export function day(at: number): string {
  return new Intl.DateTimeFormat(locale(), { ...korea, dateStyle: 'medium' }).format(at * 1000)
}

/** Writes a day and time (seconds since 1970, Korean time). */
export function moment(at: number): string {
  return new Intl.DateTimeFormat(locale(), { ...korea, dateStyle: 'medium', timeStyle: 'short' }).format(at * 1000)
}

/** Writes a date of the form YYYY-MM-DD; what has another form is returned as it is. */
export function isoDate(text: string): string {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (!parts) return text
  const at = Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]))
  return new Intl.DateTimeFormat(locale(), { timeZone: 'UTC', dateStyle: 'long' }).format(at)
}

/** Writes an age in words: seconds, minutes, hours or days. */
export function age(seconds: number): string {
  if (seconds < 60) return t('age.seconds', { count: Math.max(0, Math.floor(seconds)) })
  if (seconds < 3600) return t('age.minutes', { count: Math.floor(seconds / 60) })
  if (seconds < 86_400) return t('age.hours', { count: Math.floor(seconds / 3600) })
  return t('age.days', { count: Math.floor(seconds / 86_400) })
}

/** Writes a number with the language's separators. */
export function number(value: number): string {
  return new Intl.NumberFormat(locale()).format(value)
}

/** Writes minutes and seconds, for a countdown. */
export function clock(seconds: number): string {
  const left = Math.max(0, Math.ceil(seconds))
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`
}

/** Writes a time of day (seconds since 1970, Korean time). */
export function timeOfDay(at: number): string {
  return new Intl.DateTimeFormat(locale(), { ...korea, timeStyle: 'short' }).format(at * 1000)
}
