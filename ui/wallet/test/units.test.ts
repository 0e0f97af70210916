import type { Activity } from '@jumin/shared/types/wallet.ts'
import { describe, expect, it } from 'vitest'
import { byDay } from '../src/activity/days'
import { cardColours, contrast } from '../src/card/colours'
import { adviceOn } from '../src/lock/advice'
import { router } from '../src/router.svelte'
import { WalletError } from '../src/wallet'

describe('advice on a PIN', () => {
  it.each([
    ['123456', 'sequence'], ['987654', 'sequence'], ['000000', 'repeat'], ['121212', 'repeat'], ['900101', 'date'], ['19900101', 'date'],
    ['246810', null], ['hk3!vq', null], ['12', null], ['901345', null],
  ])('on %s is %s', (secret, advice) => expect(adviceOn(secret)).toBe(advice))
})

describe('a card', () => {
  it('keeps its type’s colours where they can be read', () => {
    expect(cardColours({ background: '#1d4f8c', text: '#ffffff' })).toEqual({ background: '#1d4f8c', text: '#ffffff' })
  })
  it('is readable whatever colours its type has', () => {
    for (const background of ['#ffffff', '#ffff00', '#808080', '#000000', 'url(https://example.com/x)', 'red;position:fixed']) {
      const colours = cardColours({ background, text: '#808080' })
      expect(colours.background).toMatch(/^#[0-9a-f]{6}$/)
      expect(contrast(colours.background, colours.text)).toBeGreaterThanOrEqual(4.5)
    }
  })
})

describe('activity', () => {
  const at = (time: string) => Date.parse(time) / 1000
  const entry = (time: string): Activity => ({ at: at(time), kind: 'shown', document: null, document_name: null, party: null, claims: [], outcome: 'done' })

  it('is grouped by Korean days', () => {
    const days = byDay([entry('2026-11-22T15:10:00Z'), entry('2026-11-22T14:50:00Z'), entry('2026-11-21T15:00:00Z'), entry('2026-11-20T00:00:00Z')], at('2026-11-22T23:00:00Z'))
    expect(days.map(({ when, entries }) => [when, entries.length])).toEqual([['today', 1], ['yesterday', 2], [null, 1]])
  })
})

describe('the router', () => {
  it('goes back to where it came from, and never below the first screen', () => {
    router.reset()
    router.go({ name: 'card', id: 'a' })
    expect(router.current).toEqual({ name: 'card', id: 'a' })
    router.back()
    router.back()
    expect(router.current).toEqual({ name: 'home' })
  })
  it('tells offers from requests by their scheme', () => {
    router.open('openid-credential-offer://?credential_offer_uri=x')
    expect(router.current.name).toBe('accept')
    router.open('OpenID4VP://?request_uri=x')
    expect(router.current.name).toBe('present')
    expect(router.canGoBack).toBe(true)
  })
  it('gives a screen of the same kind a new identity', () => {
    const before = router.id
    router.open('openid4vp://?again')
    expect(router.id).not.toBe(before)
  })
})

it('takes whatever a command throws', () => {
  expect(WalletError.from({ code: 'wrong_pin', values: { left: 3 } })).toMatchObject({ code: 'wrong_pin', values: { left: 3 } })
  for (const thrown of ['text', null, undefined, 7, { code: 7 }]) expect(WalletError.from(thrown).code).toBe('internal')
})
