import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startMessages } from '@jumin/shared'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Trouble } from '@jumin/shared/types/counter.ts'
import { NAMED, named } from '../src/desk/agencies'
import { askedNames, rowsOf } from '../src/desk/claims'
import { cleaned, isOurs, messageOf } from '../src/desk/code'
import { loadPreferences, savePreferences } from '../src/desk/preferences'
import { kindAfter, kindOf, kinds } from '../src/desk/verdict'
import en from '../src/messages/en.json'
import ko from '../src/messages/ko.json'

const types = readFileSync(join(import.meta.dirname, '../../shared/src/types/counter.ts'), 'utf8')
const codesOf = (name: string) => [...(new RegExp(`export type ${name} = (.*)`).exec(types)?.[1] ?? '').matchAll(/['"]([\w-]+)['"]/g)].map(([, code]) => code!)

describe('every code of the API has its words in both languages', () => {
  const keys: [string, string, string[]][] = [
    ['Verdict', 'verdict', ['.word', '.meaning', '.next']],
    ['Ruling', 'ruling', ['.word', '.meaning', '.next']],
    ['Step', 'step', ['']],
    ['StepOutcome', 'became', ['']],
    ['Network', 'network', ['']],
    ['Network', 'evidence', ['']],
    ['ClockState', 'clock', ['.title', '.text']],
    ['Freshness', 'fresh', ['.title', '.text']],
    ['Standing', 'standing', ['.title', '.text']],
    ['Trouble', 'agencies', ['']],
  ]
  it.each(keys)('%s: %s', (type, start, ends) => {
    const codes = codesOf(type).filter((code) => !['ok', 'fresh', 'accredited', ...(type === 'Standing' ? ['unknown'] : [])].includes(code))
    expect(codes.length).toBeGreaterThan(0)
    for (const code of codes) {
      for (const end of ends) {
        for (const catalogue of [ko, en] as Record<string, string>[]) expect(catalogue[`${start}.${code}${end}`], `${start}.${code}${end}`).toBeTruthy()
      }
    }
  })
  it('and every hint and kind', () => {
    for (const key of ['hint.foreign.title', 'hint.next_first.title', 'hint.unread.title', 'kind.valid', 'kind.refused', 'kind.unknown', 'network.lost']) {
      expect(key in ko && key in en, key).toBe(true)
    }
  })
  it('and every verdict has one word of its own', () => {
    for (const catalogue of [ko, en] as Record<string, string>[]) {
      const words = codesOf('Verdict').map((code) => catalogue[`verdict.${code}.word`])
      expect(new Set(words).size).toBe(codesOf('Verdict').length)
    }
  })
})

describe('agencies of which something is missing', () => {
  beforeAll(() => startMessages({ ko, en }, 'en'))
  const trouble = (en: string | null, trouble: Trouble = 'unreachable') => ({ did: 'did:jumin:test:a', name: en === null ? null : { ko: en, en }, trouble, since: 0, missing: 1 })
  it('are named, a few of many', () => {
    expect(named([trouble('Jongno-gu'), trouble('Mapo-gu', 'unusable')])).toBe('Jongno-gu (can’t be reached), Mapo-gu (answers with the wrong list)')
    expect(named([trouble(null)])).toBe('an agency without accreditation (can’t be reached)')
    expect(named(Array.from({ length: 40 }, (_, i) => trouble(`A${i}`))).split(', ')).toHaveLength(NAMED)
  })
})

describe('verdicts', () => {
  it('are green only when valid', () => {
    expect(Object.keys(kinds).sort()).toEqual(codesOf('Verdict').sort())
    expect(Object.entries(kinds).filter(([, kind]) => kind === 'valid')).toEqual([['valid', 'valid']])
    expect(kindOf('constructor')).toBe('unknown')
    expect(kindOf('brand_new')).toBe('unknown')
  })
  it('that could not be found out stay so when a clerk accepts', () => {
    expect(kindAfter('unknown', 'accepted')).toBe('unknown')
    expect(kindAfter('unknown', 'refused')).toBe('refused')
    expect(kindAfter('unknown', 'replayed')).toBe('refused')
  })
})

describe('codes', () => {
  it('lose what scanners add', () => {
    expect(cleaned(']Q1JM1:ABC.\r\n')).toBe('JM1:ABC.')
    expect(cleaned('jm1:abc.')).toBe('JM1:ABC.')
    expect(cleaned('https://example.com/a')).toBe('https://example.com/a')
  })
  it('of others are told from ours', () => {
    for (const text of ['JM1:A.', 'JM2/A.']) expect(isOurs(text)).toBe(true)
    for (const text of ['', 'https://x', 'JM1', 'xJM1:', '{"a":1}']) expect(isOurs(text)).toBe(false)
  })
  it('of one moving message count as one', () => {
    expect(messageOf('JM1/ABCDEFGHIJKL111.')).toBe(messageOf('JM1/ABCDEFGHIJKL222.'))
    expect(messageOf('JM1/ABCDEFGHIJKM111.')).not.toBe(messageOf('JM1/ABCDEFGHIJKL111.'))
    expect(messageOf('JM1:ABC.')).toBe('JM1:ABC.')
  })
})

describe('claims', () => {
  beforeAll(() => startMessages({ ko, en }, 'ko'))
  const label = (text: string) => ({ ko: text, en: text })
  const address = ['sido', 'sigungu', 'eupmyeondong', 'road', 'detail'].map((part) => ({ path: `address.${part}`, label: label(part), group: label('주소') }))
  const asks = [{ path: 'name.hangul', label: label('성명(한글)'), group: label('성명') }, ...address]

  it('show the address in one line, in its official order', () => {
    const parts = { sido: '서울특별시', sigungu: '종로구', eupmyeondong: '청운효자동', road: '자하문로 1', detail: '101동 202호' }
    const rows = rowsOf({ address: parts, name: { hangul: '홍길동' } }, asks)
    expect(rows.map(({ text }) => text)).toEqual(['홍길동', '서울특별시 종로구 자하문로 1, 101동 202호 (청운효자동)'])
    const village = rowsOf({ address: { ...parts, sigungu: '', eupmyeondong: '한림읍', detail: '' } }, asks)
    expect(village[0]?.text).toBe('서울특별시 한림읍 자하문로 1')
  })
  it('are text, whatever they hold', () => {
    const rows = rowsOf({ name: { hangul: '<img src=x onerror=alert(1)>' }, list: [{ a: null }, { a: 'b' }] }, asks)
    expect(rows.map(({ text }) => text)).toContain('<img src=x onerror=alert(1)>')
    expect(rowsOf({ portrait: 'data:text/html;base64,AAAA' }, asks)[0]?.kind).toBe('text')
    expect(rowsOf({ portrait: 'data:image/jpeg;base64,/9j/' }, asks)[0]?.kind).toBe('picture')
    expect(rowsOf({ portrait: 'https://elsewhere.example/x.png' }, asks)[0]?.kind).toBe('text')
  })
  it('are asked for by the names of their groups', () => {
    expect(askedNames(asks).map(({ ko }) => ko)).toEqual(['성명(한글)', '주소'])
  })
})

it('preferences that are damaged count as not set', () => {
  localStorage.setItem('jumin-counter', '{"desk":5,"service":{},"language":"xx"')
  expect(loadPreferences()).toMatchObject({ desk: '', service: null, language: 'ko', sound: true })
  localStorage.setItem('jumin-counter', '{"desk":5,"service":[],"way":"x","theme":"pink","sound":false}')
  expect(loadPreferences()).toMatchObject({ desk: '', service: null, way: 'request', theme: 'system', sound: false })
  savePreferences({ ...loadPreferences(), desk: '3' })
  expect(loadPreferences().desk).toBe('3')
})
