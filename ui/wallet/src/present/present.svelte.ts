import { tick } from 'svelte'
import type { Answer, Consent, Mode } from '@jumin/shared/types/wallet.ts'
import { wallet, WalletError } from '../wallet'

export type PresentStep = 'choose' | 'scan' | 'one-way' | 'consent' | 'show' | 'sent' | 'expired' | 'summary'

/** Leads from a request at hand, or an agency chosen, to the code that is held up. */
export class Presenting {
  step = $state<PresentStep>('choose')
  consent = $state.raw<Consent | null>(null)
  answer = $state.raw<Answer | null>(null)
  agency = $state<string | null>(null)
  service = $state<string | null>(null)
  acceptUnknown = $state(false)
  reuse = $state(false)
  busy = $state(false)
  problem = $state.raw<WalletError | null>(null)

  get mode(): Mode {
    return this.answer?.mode ?? this.consent?.mode ?? 'qr'
  }
  /** Something would be lost if another request took the place of this one. */
  get inTheMiddle(): boolean {
    return ['consent', 'show'].includes(this.step)
  }

  /** Takes in what the program has at hand; what was agreed before counts no more. */
  review(consent: Consent): void {
    this.consent = consent
    this.acceptUnknown = false
    this.reuse = false
    this.problem = null
    this.step = 'consent'
  }

  choose(document: string): Promise<void> {
    return this.#try(async () => {
      const { agency, service } = this
      const oneWay = this.consent?.mode === 'one-way' && agency && service
      const consent = oneWay ? await wallet.oneWayConsent(agency, service, document) : await wallet.chooseDocument(document)
      this.consent = consent
      this.reuse = false
    })
  }

  /** Asks what the agency would see without a request. */
  ask(agency: string, service: string): Promise<void> {
    return this.#try(async () => {
      this.agency = agency
      this.service = service
      this.review(await wallet.oneWayConsent(agency, service))
    })
  }

  /** Agrees: from here to the paint of the code is measured (`answer:start`, `answer:shown`). */
  agree(): Promise<void> {
    return this.#try(async () => {
      performance.mark('answer:start')
      const show = this.consent?.mode === 'one-way' ? wallet.oneWayShow : wallet.answer
      this.answer = await show(this.acceptUnknown, this.reuse)
      this.step = this.answer.mode === 'online' ? 'sent' : 'show'
      await tick()
      requestAnimationFrame(() => setTimeout(() => performance.mark('answer:shown'), 0))
    })
  }

  decline(): void {
    wallet.decline().catch(() => {})
    this.consent = null
  }

  /** Takes the code down and says what was shown. */
  finish(): void {
    wallet.finishShowing().catch(() => {})
    this.step = 'summary'
  }

  expire(): void {
    if (this.step === 'show') wallet.finishShowing().catch(() => {})
    this.step = 'expired'
  }

  /** Begins again where a new code or request comes from. */
  again(): void {
    const { agency, service, mode } = this
    this.answer = null
    this.problem = null
    if (mode === 'one-way' && agency && service) {
      this.step = 'one-way'
      void this.ask(agency, service)
    } else this.step = 'scan'
  }

  async #try(work: () => Promise<void>): Promise<void> {
    if (this.busy) return
    this.busy = true
    this.problem = null
    try {
      await work()
    } catch (thrown) {
      this.problem = WalletError.from(thrown)
    } finally {
      this.busy = false
    }
  }
}
