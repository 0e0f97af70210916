import { router } from '../router.svelte'

let busy: (() => boolean) | null = null
let waiting = $state<string | null>(null)

/** Keeps a link that arrives from replacing, unasked, what the citizen is in the middle of. */
export const flow = {
  /** The link that waits for an answer. */
  get waiting(): string | null {
    return waiting
  },
  /** Says when a screen is in the middle of something; the result ends it. */
  open(inTheMiddle: () => boolean): () => void {
    busy = inTheMiddle
    return () => {
      if (busy === inTheMiddle) busy = null
    }
  },
  /** Opens a link: at once, or after asking. */
  arrive(link: string): void {
    if (busy?.()) waiting = link
    else router.open(link)
  },
  /** Answers for the link that waits: opens it in place of what is under way, or forgets it. */
  settle(open: boolean): void {
    const link = waiting
    waiting = null
    if (open && link) router.open(link)
  },
}
