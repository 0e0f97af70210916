import type { Consent, Offer } from '@jumin/shared/types/wallet.ts'
import { wallet, WalletError } from '../wallet'

export interface Found {
  onoffer: (offer: Offer) => void
  onrequest: (consent: Consent) => void
}

/** Takes one text after another, a link or a code, until the program has an offer or a request at hand. */
export class Scanning {
  busy = $state(false)
  progress = $state<{ received: number; needed: number } | null>(null)
  problem = $state.raw<WalletError | null>(null)
  /** The text that was taken last: what a retry takes again. */
  text = $state('')
  #open = true
  /** The program has dropped what was read before: what is taken next doesn't overtake that. */
  #ready: Promise<void> = Promise.resolve()

  constructor(private readonly found: Found) {}

  async take(text: string): Promise<void> {
    if (this.busy || !text.trim()) return
    this.text = text.trim()
    this.busy = true
    this.problem = null
    try {
      await this.#ready
      const result = await wallet.scan(this.text)
      if (!this.#open) return
      this.progress = result.kind === 'progress' ? result : null
      if (result.kind === 'offer') this.found.onoffer(result.offer)
      if (result.kind === 'request') this.found.onrequest(result.consent)
    } catch (thrown) {
      if (this.#open) this.problem = WalletError.from(thrown)
    } finally {
      this.busy = false
    }
  }

  /** Drops the codes read so far. */
  restart(): void {
    this.progress = null
    this.problem = null
    this.#ready = wallet.resetScan().catch(() => {})
  }

  /** Hears no answer any more: the screen is gone. */
  close(): void {
    this.#open = false
  }
}
