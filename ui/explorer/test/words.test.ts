import { beforeAll, describe, expect, it } from 'vitest'
import { setLanguage, startMessages } from '@jumin/shared'
import type { AccreditationView, GrantView, OperationView } from '@jumin/shared/types/explorer.ts'
import en from '../src/messages/en.json'
import ko from '../src/messages/ko.json'
import { found, parseRoute } from '../src/state/router.svelte'
import { layout } from '../src/tree/layout'
import { clip } from '../src/tree/say'
import { build, flat, standingOf } from '../src/tree/tree'
import { date, effect, exact, particle, short } from '../src/words'

beforeAll(() => startMessages({ ko, en }, 'ko'))

const DID = `did:jumin:test:${'a'.repeat(52)}`
const HASH = 'A'.repeat(43)

describe('a search', () => {
  it.each([
    [` ${DID} `, `#/dids/${encodeURIComponent(DID)}`],
    [`${DID}#key-1`, `#/dids/${encodeURIComponent(DID)}`],
    ['1,234', '#/blocks/1234'],
    [HASH, `#/operations/${HASH}`],
    ['서울', null],
    ['', null],
    ['did:web:example.org', null],
    ['<script>', null],
  ])('for %j leads to %j', (text, to) => expect(found(text)).toBe(to))
})

describe('an address', () => {
  it.each([
    ['', { screen: 'overview' }],
    ['#/blocks?before=7', { screen: 'blocks', before: 7 }],
    ['#/blocks/7', { screen: 'block', height: 7 }],
    ['#/blocks/x', { screen: 'unknown' }],
    ['#/check?record=did%2Fx', { screen: 'check', record: 'did/x' }],
    ['#/dids/%', { screen: 'unknown' }],
    ['#/a/b/c', { screen: 'unknown' }],
  ])('%j is %j', (hash, route) => expect(parseRoute(hash)).toEqual(route))
})

describe('words', () => {
  it('take the particle that fits', () => {
    setLanguage('ko')
    expect(['서울특별시', '행정안전부장관', 'abc3', 'seoul'].map((word) => particle(word, '이', '가'))).toEqual([
      '서울특별시가',
      '행정안전부장관이',
      'abc3이',
      'seoul이',
    ])
    setLanguage('en')
    expect(particle('Seoul', '이', '가')).toBe('Seoul')
  })

  it('say what every kind of operation did, in both languages', () => {
    const operation: OperationView = {
      hash: HASH, height: 1, index: 0, kind: '', by: 'governance', record: 'governance', subject: DID, role: 'issuer',
      name: { ko: '종로구', en: 'Jongno-gu' }, types: [], from: 0, until: Number.MAX_VALUE, grant: 1, version: 2,
      anchored: 'urn:x', added: ['k'], removed: [], governors: [3, 2], signatures: 1, size: 1,
    }
    const kinds = Object.keys(ko).filter((key) => key.startsWith('kind.')).map((key) => key.slice(5))
    expect(kinds).toHaveLength(9)
    for (const language of ['ko', 'en'] as const) {
      setLanguage(language)
      for (const kind of kinds) expect(effect({ ...operation, kind })).not.toMatch(/effect\.|\{\{/)
    }
    setLanguage('ko')
    expect(effect({ ...operation, kind: 'accredit' })).toMatch(/^연합 운영위원회가 종로구를 발급기관으로 인가했습니다/)
  })

  it('stay whole for times beyond all calendars', () => {
    expect(date(2 ** 64)).toBe('끝없음')
    expect(exact(Number.NaN)).toBe('끝없음')
  })

  it('shorten a DID to its end', () => expect(short(DID)).toBe('aaaaaa…aaaaaa'))
})

const grant = (by: string, change: Partial<GrantView> = {}): GrantView => ({
  id: 1, by, name: { ko: '기관', en: 'agency' }, types: [], claims: null, from: 0, until: 100, ended: null, standing: 'in_force', ...change,
})
const held = (subject: string, role: string, grants: GrantView[], standing = 'active'): AccreditationView => ({
  key: `accreditation/${subject}/${role}`, subject, role, version: 1, standing, grants,
})

describe('the tree', () => {
  it('tells how a grant stands', () => {
    expect(standingOf(grant('governance', { ended: 40, standing: 'ended' }))).toBe('ended')
    expect(standingOf(grant('city', { standing: 'ended' }))).toBe('above')
    // What ran out below an ended one is ended, too.
    expect(standingOf(grant('city', { until: 10, standing: 'ended' }))).toBe('above')
    expect(standingOf(grant('city', { standing: 'deactivated' }))).toBe('above')
    expect(standingOf(grant('city', { standing: 'deactivated' }), 'deactivated')).toBe('deactivated')
    for (const code of ['in_force', 'later', 'ran_out', 'not_created', 'unknown']) {
      expect(standingOf(grant('governance', { standing: code }))).toBe(code)
    }
    expect(standingOf(grant('governance', { standing: 'constructor' }))).toBe('unknown')
  })

  it('says of every standing what it is', () => {
    for (const standing of ['in_force', 'later', 'ran_out', 'ended', 'above', 'deactivated', 'not_created', 'unknown']) {
      expect(Object.keys(ko)).toContain(`grant_state.${standing}`)
    }
  })

  it('holds no more than its grants do', () => {
    const root = build(
      [
        held('ministry', 'accreditor', [grant('governance', { ended: 10, standing: 'ended' })]),
        held('city', 'accreditor', [grant('ministry', { standing: 'ended' })]),
        held('waiting', 'issuer', [grant('governance', { standing: 'not_created' })], 'absent'),
        held('other', 'issuer', [grant('governance')]),
      ],
    )
    const holds = Object.fromEntries(flat(root).map(({ who, holds }) => [who, holds]))
    expect(holds).toEqual({ governance: true, ministry: false, city: false, waiting: false, other: true })
  })

  it('has an agency that two accredited below both, what hangs below it once', () => {
    const root = build(
      [
        held('one', 'accreditor', [grant('governance')]),
        held('two', 'accreditor', [grant('governance')]),
        held('city', 'accreditor', [grant('one', { ended: 1, standing: 'ended' }), grant('two', { id: 2 })]),
        held('office', 'issuer', [grant('city')]),
      ],
    )
    const nodes = flat(root)
    expect(nodes.filter(({ who }) => who === 'city').map(({ reference }) => reference).sort()).toEqual([false, true])
    expect(nodes.filter(({ who }) => who === 'office')).toHaveLength(1)
    expect(nodes.find(({ who }) => who === 'office')!.holds).toBe(true)
  })

  it('shortens names by the room that they take', () => {
    expect(clip('서울특별시 종로구', 25)).toBe('서울특별시 종로구')
    expect(clip('Ministry of the Interior and Safety', 25)).toBe('Ministry of the Interior…')
    expect(clip('가나다라', 5)).toBe('가…')
  })

  it('ends where agencies accredit each other in a circle', () => {
    const circle = build([held('a', 'accreditor', [grant('b'), grant('governance', { id: 2 })]), held('b', 'accreditor', [grant('a')])])
    expect(flat(circle).length).toBeLessThan(6)
  })

  it.each([0, 1, 200])('is laid out without overlap with %i agencies', (count) => {
    const agencies = Array.from({ length: count }, (_, index) =>
      held(`agency-${index}`, 'accreditor', [grant(index < 5 ? 'governance' : `agency-${index % 5}`)]),
    )
    const { placed, width, height } = layout(build(agencies))
    expect(placed).toHaveLength(count + 1)
    const places = new Set(placed.map(({ x, y }) => `${x} ${Math.round(y)}`))
    expect(places.size).toBe(count + 1)
    expect(placed.every(({ x, y }) => x >= 0 && y >= 0 && x < width && y < height)).toBe(true)
  })
})
