import type { ResidentSummary } from '@jumin/shared/types/console.ts'
import { api, ApiError } from '../api'
import { session } from './session.svelte'

/** So many rows are shown; when there are more, the clerk is asked to say more. */
export const MOST = 50
const LONGEST = 60

let text = $state('')
let asked = $state('')
let found = $state.raw<ResidentSummary[] | null>(null)
let error = $state.raw<unknown>(null)
let busy = $state(false)
let running: AbortController | null = null

function drop(): void {
  running?.abort()
  text = asked = ''
  found = null
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
    const answer = await api.search(query, MOST + 1, mine.signal)
    if (running !== mine) return
    found = answer.residents
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
    return found?.slice(0, MOST) ?? null
  },
  get more() {
    return (found?.length ?? 0) > MOST
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
