import { clearMocks, mockIPC } from '@tauri-apps/api/mocks'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Activity, Answer, Consent, DocumentSummary, Offer } from '@jumin/shared/types/wallet.ts'
import { Accepting } from '../src/accept/accept.svelte'
import ko from '../src/messages/ko.json'
import { matching, recentFirst } from '../src/present/agencies'
import { Presenting } from '../src/present/present.svelte'
import { REDRAW_SECONDS, Redrawing } from '../src/present/redrawing.svelte'
import { router } from '../src/router.svelte'
import { flow } from '../src/scanning/flow.svelte'
import { Scanning } from '../src/scanning/scanning.svelte'

const called: string[] = []
let answers: Record<string, (values: Record<string, unknown>) => unknown> = {}
beforeEach(() => {
  called.length = 0
  answers = {}
  mockIPC((command, values) => {
    called.push(command)
    return answers[command]?.((values ?? {}) as Record<string, unknown>) ?? null
  })
})
afterEach(clearMocks)
const fail = (code: string) => () => {
  throw { code, values: {} }
}

const issuer = { id: 'did:x', did: 'did:x', name: { ko: '종로구', en: 'Jongno' }, accredited: true, not_accredited_because: null, may_ask: null, beyond: [], checked: null }
const offer: Offer = { documents: [], issuer_url: 'https://issuer', issuer, transaction_code: { numeric: true, length: 6, description: null } }
const document = { id: 'd', copies: 10 } as DocumentSummary
const consent: Consent = { verifier: issuer, mode: 'qr', response_uri: null, expires: null, documents: [], alternatives: [] }
const answer = { mode: 'qr', verifier: issuer, frames: [], until: null, copies_left: 1, disclosed: [], redirect: false } as Answer

describe('accepting an offer', () => {
  it('keeps the code that was typed when it is refused or the network is gone', async () => {
    const accepting = new Accepting()
    accepting.review(offer)
    await accepting.agree()
    expect(accepting.step).toBe('code')
    accepting.code = '123456'
    answers.accept_offer = fail('unreachable')
    await accepting.accept()
    expect([accepting.step, accepting.code, accepting.problem?.code]).toEqual(['code', '123456', 'unreachable'])
    answers.accept_offer = ({ transactionCode }) => (transactionCode === '123456' ? document : null)
    await accepting.accept()
    expect([accepting.step, accepting.code, accepting.document?.id]).toEqual(['done', '', 'd'])
  })

  it('has no way on from an issuer that is not accredited', async () => {
    const accepting = new Accepting()
    accepting.review({ ...offer, issuer: { ...issuer, accredited: false } })
    await accepting.agree()
    expect(accepting.step).toBe('offer')
    expect(called).toEqual([])
  })

  it('goes back from the code to the offer, and lets the offer go from there', () => {
    const accepting = new Accepting()
    accepting.review(offer)
    void accepting.agree()
    expect([accepting.back(), accepting.step, accepting.back(), accepting.step, accepting.back()]).toEqual([true, 'offer', true, 'ways', false])
    expect(called).toEqual(['discard_offer'])
  })
})

describe('showing a document', () => {
  it('forgets what was agreed when another request takes its place', () => {
    const presenting = new Presenting()
    presenting.acceptUnknown = presenting.reuse = true
    presenting.review(consent)
    expect([presenting.acceptUnknown, presenting.reuse, presenting.step]).toEqual([false, false, 'consent'])
  })

  it('stays on the consent page when the answer fails, and shows the code when it comes', async () => {
    const presenting = new Presenting()
    presenting.review(consent)
    answers.answer = fail('request_expired')
    await presenting.agree()
    expect([presenting.step, presenting.problem?.code]).toEqual(['consent', 'request_expired'])
    answers.answer = () => answer
    await presenting.agree()
    expect(presenting.step).toBe('show')
    presenting.finish()
    expect([presenting.step, called.at(-1)]).toEqual(['summary', 'finish_showing'])
  })

  it('redraws a code without a request in time, keeps it when that fails, and stops when told', async () => {
    vi.useFakeTimers()
    const drawn = new Redrawing([{ modules: 21, path: 'a' }])
    const stop = drawn.start()
    answers.one_way_redraw = fail('wallet_locked')
    await vi.advanceTimersByTimeAsync(REDRAW_SECONDS * 1000)
    expect([drawn.problem?.code, drawn.frames[0]?.path, drawn.round]).toEqual(['wallet_locked', 'a', 0])
    answers.one_way_redraw = () => [{ modules: 21, path: 'b' }]
    await vi.advanceTimersByTimeAsync(2000)
    expect([drawn.problem, drawn.frames[0]?.path, drawn.round]).toEqual([null, 'b', 1])
    stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(drawn.round).toBe(1)
    vi.useRealTimers()
  })
})

describe('one scanning screen', () => {
  it('drops what was read before, counts codes, and leads to the offer or the request', async () => {
    const found: string[] = []
    const scanning = new Scanning({ onoffer: () => found.push('offer'), onrequest: () => found.push('request') })
    scanning.restart()
    answers.scan = () => ({ kind: 'progress', received: 1, needed: 3 })
    await scanning.take('A')
    expect([called, scanning.progress?.received]).toEqual([['reset_scan', 'scan'], 1])
    answers.scan = () => ({ kind: 'request', consent })
    await scanning.take('B')
    answers.scan = () => ({ kind: 'offer', offer })
    await scanning.take(' C ')
    expect([found, scanning.text, scanning.progress]).toEqual([['request', 'offer'], 'C', null])
  })
})

it('asks before a link replaces what is under way, and opens it at once otherwise', () => {
  flow.arrive('openid4vp://?a')
  expect(router.current).toEqual({ name: 'present', text: 'openid4vp://?a' })
  const end = flow.open(() => true)
  flow.arrive('openid-credential-offer://?b')
  expect([router.current.name, flow.waiting]).toEqual(['present', 'openid-credential-offer://?b'])
  flow.settle(false)
  expect([router.current.name, flow.waiting]).toEqual(['present', null])
  flow.arrive('openid-credential-offer://?b')
  flow.settle(true)
  expect(router.current.name).toBe('accept')
  end()
})

it('lists the agencies used last first, and finds them by words of either language', () => {
  const agency = (did: string, ko: string, en: string) => ({ did, name: { ko, en } })
  const all = [agency('did:a', '종로세무서', 'Jongno Tax Office'), agency('did:b', '종로구', 'Jongno-gu'), agency('did:c', '공단', 'NHIS')]
  const past = [{ at: 5, party: { id: 'decentralized_identifier:did:c' } }, { at: 9, party: { id: 'did:b' } }, { at: 1, party: null }] as Activity[]
  expect(recentFirst(all, past).map(({ did }) => did)).toEqual(['did:b', 'did:c', 'did:a'])
  expect(matching(all, ' tax JONGNO ').map(({ did }) => did)).toEqual(['did:a'])
  expect(matching(all, '종로').length).toBe(2)
})

it('has words for each way in which somebody is not accredited', () => {
  for (const code of ['not_accredited', 'ended', 'deactivated', 'unknown', 'not_on_the_ledger', 'no_issuer_at_server', 'other']) {
    expect(ko).toHaveProperty([`party.because.${code}`])
  }
})
