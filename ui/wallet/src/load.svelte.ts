import { WalletError } from './wallet'

/** Is what a command answered, or why it did not; `busy` while it is asked. */
export class Loading<T> {
  value = $state.raw<T | null>(null)
  error = $state.raw<WalletError | null>(null)
  busy = $state(false)
  #turn = 0

  constructor(private readonly ask: () => Promise<T>) {}

  /** Asks (again); a newer question's answer wins over an older one's. */
  run = async (): Promise<void> => {
    const turn = ++this.#turn
    this.busy = true
    try {
      const value = await this.ask()
      if (turn !== this.#turn) return
      this.value = value
      this.error = null
    } catch (thrown) {
      if (turn === this.#turn) this.error = WalletError.from(thrown)
    } finally {
      if (turn === this.#turn) this.busy = false
    }
  }
}
