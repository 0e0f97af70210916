import type { CodeDrawing } from '@jumin/shared'
import { wallet, WalletError } from '../wallet'

/** Seconds after which a code without a request is drawn anew. */
export const REDRAW_SECONDS = 15
const SOON = 2

/** Holds the codes in view, and in one-way mode has them drawn anew in time. */
export class Redrawing {
  frames = $state.raw<CodeDrawing[]>([])
  /** Counts the drawings: the first is 0. */
  round = $state(0)
  problem = $state.raw<WalletError | null>(null)
  #timer: ReturnType<typeof setTimeout> | undefined
  #ended = false

  constructor(frames: CodeDrawing[]) {
    this.frames = frames
  }

  /** Redraws from now on until the returned function is called. */
  start(): () => void {
    this.#later(REDRAW_SECONDS)
    return () => {
      this.#ended = true
      clearTimeout(this.#timer)
    }
  }

  async redraw(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      const frames = await wallet.oneWayRedraw()
      if (this.#ended) return
      this.frames = frames
      this.round += 1
      this.problem = null
    } catch (thrown) {
      if (!this.#ended) this.problem = WalletError.from(thrown)
    }
    if (!this.#ended) this.#later(this.problem ? SOON : REDRAW_SECONDS)
  }

  #later(seconds: number): void {
    this.#timer = setTimeout(() => void this.redraw(), seconds * 1000)
  }
}
