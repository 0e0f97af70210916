import type { NewOffer } from '@jumin/shared/types/console.ts'
import { session } from './session.svelte'

export interface Handover {
  offer: NewOffer
  resident: { id: string; name: string }
  configuration: string
}

let current = $state.raw<Handover | null>(null)
session.onEnd(() => (current = null))

/** The offer that is being handed over: its link and code exist here only, until the view is left. */
export const handover = {
  get current() {
    return current
  },
  keep(made: Handover) {
    current = made
  },
  drop() {
    current = null
  },
}
