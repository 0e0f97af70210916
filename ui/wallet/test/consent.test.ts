import { mount, tick, unmount } from 'svelte'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Consent, Party } from '@jumin/shared/types/wallet.ts'
import ConsentPage from '../src/present/ConsentPage.svelte'
import { Presenting } from '../src/present/present.svelte'

const name = (ko: string) => ({ ko, en: ko })
const library: Party = {
  id: 'did:x', did: 'did:x', name: name('도서관'), accredited: true, not_accredited_because: null,
  may_ask: [name('성명'), name('나이 확인')], beyond: [], checked: null,
}
const consent = (verifier: Party): Consent => ({ verifier, mode: 'qr', response_uri: null, expires: null, documents: [], alternatives: [] })

let page: Record<string, unknown> | null = null
let presenting: Presenting
function show(verifier: Party) {
  presenting = new Presenting()
  presenting.review(consent(verifier))
  presenting.agree = vi.fn(async () => {})
  page = mount(ConsentPage, { target: document.body, props: { presenting, consent: consent(verifier) } })
}
const at = (id: string) => document.querySelector<HTMLElement>(`[data-testid="${id}"]`)

describe('who asks, and for more than it may', () => {
  beforeEach(() => document.body.replaceChildren())
  afterEach(() => {
    if (page) void unmount(page)
    page = null
  })

  it('says what an accredited verifier may ask for', async () => {
    show(library)
    await tick()
    expect(at('may-ask')?.textContent).toContain('성명')
    expect(at('beyond')).toBeNull()
    at('consent-accept')?.click()
    expect(presenting.agree).toHaveBeenCalledOnce()
  })

  it('names what goes beyond, and goes on only once that is agreed to', async () => {
    show({ ...library, beyond: [name('주민등록번호'), name('사진')] })
    await tick()
    expect(at('beyond-items')?.textContent).toMatch(/주민등록번호.*사진/)
    at('consent-accept')?.click()
    await tick()
    expect(presenting.agree).not.toHaveBeenCalled()
    at('beyond')?.click()
    await tick()
    at('consent-accept')?.click()
    expect(presenting.agree).toHaveBeenCalledOnce()
  })

  it('warns of a verifier that is not accredited at all instead', async () => {
    show({ ...library, accredited: false, may_ask: null, beyond: [] })
    await tick()
    expect(at('unknown-verifier')).not.toBeNull()
    expect([at('may-ask'), at('beyond')]).toEqual([null, null])
  })
})
