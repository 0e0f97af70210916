import { untrack } from 'svelte'
import { ApiError } from '../api'
import { node } from './node.svelte'

/** Something read from the node: loading, there, or failed; read again when the node is back, and as often as asked for. */
export class Loaded<T> {
  data = $state.raw<T | null>(null)
  error = $state.raw<ApiError | null>(null)
  loading = $state(true)
  #turn = 0

  constructor(
    readonly read: () => Promise<T>,
    every = 0,
  ) {
    $effect(() => {
      void node.recoveries
      void this.load()
    })
    if (every > 0) $effect(() => repeat(every, () => this.load()))
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
      this.error = error instanceof ApiError ? error : new ApiError('unexpected', 0)
    }
    this.loading = false
  }
}

/** Calls `work` again and again while somebody looks, and at once when somebody looks again. */
export function repeat(milliseconds: number, work: () => Promise<void>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let ended = false
  const next = () => {
    clearTimeout(timer)
    if (!ended && !document.hidden) timer = setTimeout(turn, milliseconds)
  }
  const turn = () => void work().finally(next)
  const seen = () => (document.hidden ? clearTimeout(timer) : turn())
  document.addEventListener('visibilitychange', seen)
  next()
  return () => {
    ended = true
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', seen)
  }
}
