import type { DocumentSummary, Offer } from '@jumin/shared/types/wallet.ts'
import { wallet, WalletError } from '../wallet'

export type AcceptStep = 'ways' | 'offer' | 'code' | 'done'

/** Leads from an offer at hand to the document in the wallet. What was typed stays until the end. */
export class Accepting {
  step = $state<AcceptStep>('ways')
  offer = $state.raw<Offer | null>(null)
  code = $state('')
  busy = $state(false)
  problem = $state.raw<WalletError | null>(null)
  document = $state.raw<DocumentSummary | null>(null)

  /** Takes in an offer that the program has at hand. */
  review(offer: Offer): void {
    this.offer = offer
    this.code = ''
    this.problem = null
    this.step = 'offer'
  }

  /** Goes on from the offer: to its transaction code where it has one, else it is accepted. */
  async agree(): Promise<void> {
    if (!this.offer?.issuer.accredited) return
    if (!this.offer.transaction_code) return this.accept()
    this.problem = null
    this.step = 'code'
  }

  async accept(): Promise<void> {
    if (this.busy) return
    this.busy = true
    this.problem = null
    try {
      this.document = await wallet.acceptOffer(this.offer?.transaction_code ? this.code : null)
      this.code = ''
      this.step = 'done'
    } catch (thrown) {
      this.problem = WalletError.from(thrown)
    } finally {
      this.busy = false
    }
  }

  /** Goes one step back; false where there is none left. */
  back(): boolean {
    this.problem = null
    if (this.step === 'code') this.step = 'offer'
    else if (this.step === 'offer') this.discard()
    else return false
    return true
  }

  /** Lets the offer go; it can be read again. */
  discard(): void {
    this.offer = null
    this.code = ''
    this.step = 'ways'
    wallet.discardOffer().catch(() => {})
  }
}
