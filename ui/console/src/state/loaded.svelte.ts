import { untrack } from 'svelte'
import { ApiError } from '../api'
import { network } from './network.svelte'
import { session } from './session.svelte'

/** Something read from the issuer: loading, there, or failed; read again when the network or the session is back. */
export class Loaded<T> {
  data = $state.raw<T | null>(null)
  error = $state.raw<unknown>(null)
  loading = $state(true)
  #turn = 0

  constructor(readonly read: () => Promise<T>) {
    // A change of what `read` depends on, of the session or of the network reads anew.
    $effect(() => {
      void network.recoveries
      if (session.state === 'open') void this.load()
    })
  }

  /** Reads again and keeps what is shown meanwhile. */
  async load(): Promise<void> {
    const turn = ++this.#turn
    // `read` runs first, so that the effect above follows what it depends on.
    const reading = this.read()
    untrack(() => (this.loading = true))
    try {
      const data = await reading
      if (turn !== this.#turn) return
      this.data = data
      this.error = null
    } catch (error) {
      if (turn !== this.#turn) return
      if (!(error instanceof ApiError && error.status === 401)) this.error = error
    }
    this.loading = false
  }

  /** Forgets what was read, before something else is shown in its place. */
  clear(): void {
    this.data = null
    this.error = null
    this.loading = true
  }
}

/** Calls `work` every `milliseconds` while the page is looked at and the session is open. */
export function every(milliseconds: number, work: () => void): void {
  $effect(() => {
    const timer = setInterval(() => {
      if (session.state === 'open' && !network.down && !document.hidden) work()
    }, milliseconds)
    return () => clearInterval(timer)
  })
}
