import { agency } from './agency.svelte'
import { localNow } from './clock.svelte'
import { session } from './session.svelte'

/** The server ends a session after 15 minutes without a request; the page ends it a little before. */
const IDLE = 14 * 60 + 30
const WARN = 12 * 60 + 30
const KEY = 'jumin.console.active'

let active = $state(localNow())

function note(): void {
  const at = Math.floor(Date.now() / 1000)
  if (left() <= IDLE - WARN || at - active < 5) return
  stay()
}

/** Says how many seconds are left before the page signs out. */
const left = (): number => IDLE - (Math.floor(Date.now() / 1000) - active)

/** Counts as activity, in the other windows of this browser too. */
function stay(): void {
  active = Math.floor(Date.now() / 1000)
  try {
    localStorage.setItem(KEY, String(active))
  } catch {
    // Storage can be off; then each window counts for itself.
  }
}

/** Follows what the clerk does; returns what ends that. */
export function watchIdle(): () => void {
  stay()
  const other = (event: StorageEvent) => {
    if (event.key === KEY && Number(event.newValue) > active) active = Number(event.newValue)
  }
  const kinds = ['pointerdown', 'keydown', 'wheel', 'touchstart']
  kinds.forEach((kind) => window.addEventListener(kind, note, { passive: true }))
  window.addEventListener('storage', other)
  const timer = setInterval(() => {
    if (session.state === 'open' && left() <= 0) void session.endIdle()
  }, 1000)
  return () => {
    kinds.forEach((kind) => window.removeEventListener(kind, note))
    window.removeEventListener('storage', other)
    clearInterval(timer)
  }
}

export const idle = {
  /** Seconds left, once it is time to warn; null before. */
  get warning(): number | null {
    const rest = IDLE - (localNow() - active)
    return session.state === 'open' && rest <= IDLE - WARN ? Math.max(0, rest) : null
  },
  async stay(): Promise<void> {
    stay()
    // Asking who is signed in doesn't count as use; any other request does.
    await agency.load()
  },
}
