import { api } from '../api'

let down = $state(false)
let restored = $state(false)
let recoveries = $state(0)
let probing = false

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))

async function probe(): Promise<void> {
  if (probing) return
  probing = true
  for (let wait = 1000; down; wait = Math.min(wait * 1.5, 8000)) {
    await pause(wait)
    if (!down) break
    // Any answer will do; the listener hears of it.
    await api.session().catch(() => {})
  }
  probing = false
}

/** The connection to the issuer as the answers tell it. */
export const network = {
  get down() {
    return down
  },
  /** For a few seconds after the connection is back. */
  get restored() {
    return restored
  },
  /** Counts how often the connection came back: what failed for want of it loads again. */
  get recoveries() {
    return recoveries
  },
  lost() {
    down = true
    restored = false
    void probe()
  },
  works() {
    if (!down) return
    down = false
    restored = true
    recoveries += 1
    setTimeout(() => (restored = false), 4000)
  },
}
