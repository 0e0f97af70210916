import { session } from './session.svelte'
import { wallet } from './wallet'

const TELL_EVERY = 15_000
const WARN_BEFORE = 30

let used = Date.now()
let told = 0
let later: ReturnType<typeof setTimeout> | undefined
let left = $state(Infinity)

function tell(): void {
  clearTimeout(later)
  later = undefined
  told = Date.now()
  // A wallet that can't be told locks by itself.
  wallet.touch().catch(() => {})
}

function active(): void {
  used = Date.now()
  const wait = told + TELL_EVERY - used
  if (wait <= 0) tell()
  else later ??= setTimeout(tell, wait)
}

function look(): void {
  left = Math.ceil(session.preferences.lock_minutes * 60 - (Date.now() - used) / 1000)
}

/** Tells the program about the citizen's activity, at most every 15 seconds, and counts down to the lock. */
export const idle = {
  /** Seconds until the wallet locks, once that is soon. */
  get warning(): number | null {
    return left <= WARN_BEFORE ? Math.max(0, left) : null
  },
  stay(): void {
    used = Date.now()
    tell()
    look()
  },
  /** Watches until the returned function is called. */
  watch(): () => void {
    idle.stay()
    const events = ['pointerdown', 'keydown', 'wheel'] as const
    for (const event of events) window.addEventListener(event, active, { passive: true })
    const tick = setInterval(look, 1000)
    return () => {
      for (const event of events) window.removeEventListener(event, active)
      clearInterval(tick)
      clearTimeout(later)
      left = Infinity
    }
  },
}
