import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { detailPairs, subjectAddress } from '../src/audit/detail'
import { confirms } from '../src/credentials/confirm'
import { PROBLEMS } from '../src/problems'
import { parseRoute } from '../src/state/router.svelte'
import { ACTIONS, CONFIGURATIONS, STATES, ageOn, maskNumber, readNumber, shortDay } from '../src/words'

const catalogue = (language: string): Record<string, string> =>
  JSON.parse(readFileSync(join(import.meta.dirname, '..', 'src', 'messages', `${language}.json`), 'utf8'))

describe.each(['ko', 'en'])('catalogue in %s', (language) => {
  const texts = catalogue(language)
  const changes = ['suspend', 'reinstate', 'revoke']
  const proofs = ['proven', 'unreachable', 'invalid']
  const outcomes = ['accepted', 'expired', 'locked', 'gone']
  it.each([
    ...PROBLEMS.map((code) => `problem.${code}`),
    ...ACTIONS.map((action) => `audit.action.${action}`),
    ...CONFIGURATIONS.map((id) => `document.${id}`),
    ...STATES.map((state) => `offer.state.${state}`),
    ...['open', 'taken', 'accepted'].map((step) => `handover.step.${step}`),
    ...outcomes.flatMap((one) => [`handover.${one}`, `handover.${one}_text`]),
    ...['valid', 'suspended', 'revoked'].map((status) => `status.${status}`),
    ...changes.flatMap((one) => [`dialog.${one}`, `dialog.${one}_text`, `dialog.${one}_now`, `result.${one}`, `actions.${one}`]),
    ...proofs.flatMap((one) => [`proof.${one}`, `proof.${one}_text`, `ledger.${one}`]),
  ])('has %s', (key) => {
    expect(texts[key]).toBeTruthy()
  })
})

describe('resident numbers', () => {
  it('give the birth date and the sex of each century', () => {
    expect(readNumber('900101-1234567')).toEqual({ birthdate: '1990-01-01', sex: 'male' })
    expect(readNumber('051231-4234567')).toEqual({ birthdate: '2005-12-31', sex: 'female' })
    expect(readNumber('991231-9234567')).toEqual({ birthdate: '1899-12-31', sex: 'male' })
    expect(readNumber('<b>')).toBeNull()
  })

  it('keep their last six digits to themselves', () => {
    expect(maskNumber('900101-1234567')).toBe('900101-1******')
  })

  it('count years by Korean days', () => {
    const evening = Date.UTC(2026, 10, 21, 15, 0) / 1000 // 2026-11-22 00:00 in Korea
    expect(ageOn('2009-11-22', evening)).toBe(17)
    expect(ageOn('2009-11-22', evening - 1)).toBe(16)
  })
})

describe('second confirmation', () => {
  const document = { id: 'Zk3_x9-QabCD12fgHi-_W0', resident_name: '김민준' }
  it('takes the end of the id or the name, however it is typed', () => {
    expect(confirms('-_W0', document)).toBe(true)
    expect(confirms(' -_w0 ', document)).toBe(true)
    expect(confirms('김민준'.normalize('NFD'), document)).toBe(true)
  })
  it('takes nothing else', () => {
    for (const typed of ['', ' ', 'W0', '김민', 'x-_W0']) expect(confirms(typed, document), typed).toBe(false)
    expect(confirms('', { id: '', resident_name: '' })).toBe(false)
  })
})

describe('addresses', () => {
  it('lead to screens, and nowhere when they are strange', () => {
    expect(parseRoute('')).toEqual({ screen: 'overview' })
    expect(parseRoute('#/residents/r000001')).toEqual({ screen: 'resident', id: 'r000001' })
    expect(parseRoute('#/credentials?resident=r1')).toEqual({ screen: 'credentials', resident: 'r1' })
    expect(parseRoute('#/credentials/a%2Fb')).toEqual({ screen: 'credential', id: 'a/b' })
    for (const strange of ['#/nothing', '#/offers', '#/audit/1', '#/residents/a/b']) {
      expect(parseRoute(strange), strange).toEqual({ screen: 'unknown' })
    }
    expect(parseRoute('#/residents/%E0%A4%A')).toEqual({ screen: 'residents' })
  })
})

describe('audit details', () => {
  it('are pairs, whatever their form', () => {
    expect(detailPairs('{"copies":10,"resident":"r1"}')).toEqual([['copies', '10'], ['resident', 'r1']])
    expect(detailPairs('{"residents":["r1","r2"]}')).toEqual([['residents', 'r1, r2']])
    expect(detailPairs('not json')).toEqual([['', 'not json']])
    expect(detailPairs('null')).toEqual([])
  })
  it('lead to what has a page', () => {
    expect(subjectAddress({ action: 'resident.view', subject: 'r1' })).toBe('#/residents/r1')
    expect(subjectAddress({ action: 'credential.revoke', subject: 'c1' })).toBe('#/credentials/c1')
    expect(subjectAddress({ action: 'resident.search', subject: 'r1' })).toBe('#/residents/r1')
    expect(subjectAddress({ action: 'resident.search', subject: 'register' })).toBeNull()
    expect(subjectAddress({ action: 'status-list.publish', subject: 'list 0' })).toBeNull()
  })
})

it('writes days for an axis', () => {
  expect(shortDay('2026-11-02')).toBe('11/2')
  expect(shortDay('soon')).toBe('soon')
})
