import { isoDate, pick, t } from '@jumin/shared'
import type { AskedClaim } from '@jumin/shared/types/counter.ts'

/** Is one line of what was disclosed, ready to be shown as text. */
export interface Row {
  key: string
  label: string
  text: string
  kind: 'text' | 'yes' | 'no' | 'picture'
  /** Shown first and largest. */
  main: boolean
}

const MOST = 80
const LONGEST = 2_000
const PICTURE = /^data:image\/(?:jpeg|png|webp);base64,[A-Za-z0-9+/]+={0,2}$/
const LARGEST_PICTURE = 300_000

/** Lists the disclosed claims in the order in which they were asked for; the address is one line. */
export function rowsOf(claims: Record<string, unknown>, asks: AskedClaim[]): Row[] {
  const rank = (key: string) => asks.findIndex(({ path }) => path === pattern(key))
  const { address, ...others } = claims
  const rows = leaves(others, '').slice(0, MOST).map(([key, value]) => row(key, value, asks))
  const line = address && typeof address === 'object' ? addressLine(address as Record<string, unknown>) : ''
  if (line) rows.push({ key: 'address', label: group('address.', asks), text: line, kind: 'text', main: false })
  const order = (key: string) => (key === 'address' ? asks.findIndex(({ path }) => path.startsWith('address.')) : rank(key))
  return rows.sort((a, b) => order(a.key) - order(b.key))
}

function leaves(value: unknown, path: string): [string, unknown][] {
  if (Array.isArray(value)) return value.flatMap((inner, index) => leaves(inner, `${path}[${index}]`))
  if (typeof value !== 'object' || value === null) return [[path, value]]
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, path ? `${path}.${name}` : name))
}

const pattern = (key: string) => key.replace(/\[\d+\]/g, '[*]')

function labelOf(key: string, asks: AskedClaim[]): string {
  const asked = asks.find(({ path }) => path === pattern(key))
  return asked ? pick(asked.label) : key
}

function group(start: string, asks: AskedClaim[]): string {
  return pick(asks.find(({ path, group }) => group && path.startsWith(start))?.group) || t('claim.address')
}

function row(key: string, value: unknown, asks: AskedClaim[]): Row {
  const base = { key, label: labelOf(key, asks), main: key === 'name.hangul' || key.startsWith('age_equal_or_over.') }
  if (typeof value === 'boolean') return { ...base, kind: value ? 'yes' : 'no', text: value ? t('claim.yes') : t('claim.no') }
  if (key === 'portrait') return picture(base, value)
  return { ...base, kind: 'text', text: textOf(key, value) }
}

function picture(base: Omit<Row, 'kind' | 'text'>, value: unknown): Row {
  const good = typeof value === 'string' && value.length <= LARGEST_PICTURE && PICTURE.test(value)
  return good ? { ...base, kind: 'picture', text: value } : { ...base, kind: 'text', text: t('claim.picture_unreadable') }
}

function textOf(key: string, value: unknown): string {
  if (value === null || value === undefined || value === '') return t('claim.empty')
  const text = String(value).slice(0, LONGEST)
  if (key === 'sex' && text === 'male') return t('claim.male')
  if (key === 'sex' && text === 'female') return t('claim.female')
  return isoDate(text)
}

/** Writes a Korean address in its official order; a neighbourhood (동) goes behind in brackets. */
function addressLine(parts: Record<string, unknown>): string {
  const part = (name: string) => (typeof parts[name] === 'string' ? (parts[name] as string).trim().slice(0, LONGEST) : '')
  const area = part('eupmyeondong')
  const behind = area.endsWith('동') || area.endsWith('가')
  const head = [part('sido'), part('sigungu'), behind ? '' : area, part('road')].filter(Boolean).join(' ')
  const line = [head, part('detail')].filter(Boolean).join(', ')
  return behind && area ? `${line} (${area})` : line
}

/** Names what is asked in plain words: parts of one group by the group's name. */
export function askedNames(asks: AskedClaim[]): { ko: string; en: string }[] {
  const names = asks.map(({ label, group }) => {
    const together = group && asks.filter((other) => other.group?.ko === group.ko).length > 1
    return together ? group : label
  })
  return names.filter(({ ko }, index) => names.findIndex((other) => other.ko === ko) === index)
}
