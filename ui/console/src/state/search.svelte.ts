import type { ResidentSummary } from '@jumin/shared/types/console.ts'
import { api, ApiError } from '../api'
import { session } from './session.svelte'

/** So many rows are shown, since each is a look at somebody; when there are more, the clerk is asked to say more. */
export const MOST = 20
const LONGEST = 60

let text = $state('')
let asked = $state('')
let found = $state.raw<ResidentSummary[] | null>(null)
let more = $state(false)
let error = $state.raw<unknown>(null)
let busy = $state(false)
let running: AbortController | null = null

function drop(): void {
  running?.abort()
  text = asked = ''
  found = null
  more = false
  error = null
  busy = false
}
session.onEnd(() => session.state !== 'lost' && drop())

async function run(): Promise<void> {
  running?.abort()
  const query = text.trim().slice(0, LONGEST)
  asked = query
  if (!query) return drop()
  const mine = (running = new AbortController())
  busy = true
  try {
    const answer = await api.search(query, MOST, mine.signal)
    if (running !== mine) return
    found = answer.residents
    more = answer.more
    error = null
  } catch (cause) {
    if (running !== mine || (cause instanceof ApiError && cause.code === 'aborted')) return
    error = cause
  }
  busy = false
}

/** The search for residents: kept while the clerk looks at one of them, and never part of an address. */
export const search = {
  get text() {
    return text
  },
  set text(to: string) {
    text = to
  },
  /** What the rows answer. */
  get asked() {
    return asked
  },
  get rows() {
    return found
  },
  get more() {
    return more
  },
  get error() {
    return error
  },
  get busy() {
    return busy
  },
  run,
  drop,
}
