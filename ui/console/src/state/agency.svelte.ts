import type { Agency } from '@jumin/shared/types/console.ts'
import { api } from '../api'
import { now } from './clock.svelte'

let data = $state.raw<Agency | null>(null)
let error = $state.raw<unknown>(null)
let readAt = $state(0)

/** The agency and what the ledger says about it: one copy for the header and its page. */
export const agency = {
  get data() {
    return data
  },
  get error() {
    return error
  },
  /** How old the checkpoint is by now, in seconds. */
  get age(): number | null {
    const checkpoint = data?.checkpoint
    return checkpoint ? Math.max(0, checkpoint.age_seconds + now() - readAt) : null
  },
  async load(): Promise<void> {
    try {
      data = await api.agency()
      error = null
      readAt = now()
    } catch (cause) {
      error = cause
    }
  },
}
