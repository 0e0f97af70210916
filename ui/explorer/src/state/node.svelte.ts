import type { ExplorerOverview } from '@jumin/shared/types/explorer.ts'
import { api } from '../api'
import { now } from './clock.svelte'

const EVERY = 2000
/** A checkpoint older than this says that the network stands, or that this node is cut off from it. */
const STALE_SECONDS = 30

let overview = $state.raw<ExplorerOverview | null>(null)
let asked = $state(0)
let down = $state(false)
let recoveries = $state(0)
let timer: ReturnType<typeof setTimeout> | undefined

async function ask(): Promise<void> {
  clearTimeout(timer)
  try {
    overview = await api.overview()
    asked = Date.now()
    if (down) recoveries += 1
    down = false
  } catch {
    down = true
  }
  if (!document.hidden) timer = setTimeout(ask, EVERY)
}

/** The node that this page asks, as it told last. */
export const node = {
  get overview() {
    return overview
  },
  /** Whether it gave no answer the last time. */
  get down() {
    return down
  },
  /** Counts how often it came back: what failed for want of it loads again. */
  get recoveries() {
    return recoveries
  },
  /** When it answered last, milliseconds of this machine's clock; 0 before. */
  get asked() {
    return asked
  },
  /** The age of the newest checkpoint in seconds, going on by itself between answers; null if there is none. */
  get age(): number | null {
    if (!overview?.checkpoint) return null
    return Math.max(0, (overview.now_ms - overview.checkpoint.time_ms + Math.max(0, now() - asked)) / 1000)
  },
  get stale(): boolean {
    return overview !== null && (node.age ?? Infinity) > STALE_SECONDS
  },
  /** Begins to ask, and goes on while somebody looks; returns how to end it. */
  watch(): () => void {
    const seen = () => (document.hidden ? clearTimeout(timer) : void ask())
    document.addEventListener('visibilitychange', seen)
    void ask()
    return () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', seen)
    }
  },
}
