import type { Localized } from '@jumin/shared'
import type { CodeDrawing } from '@jumin/shared/types/counter.ts'

/**
 * Is all that a customer's window is told. No claim and no reason is in it, so none can come to stand there.
 * `thanks` and `staff` are the two ways in which a visit ends.
 */
export interface Shown {
  view: 'closed' | 'ask' | 'one-way' | 'reading' | 'thanks' | 'staff'
  office: Localized | null
  service: Localized | null
  asks: Localized[]
  codes: CodeDrawing[]
  progress: { received: number; needed: number } | null
}

export const closed: Shown = { view: 'closed', office: null, service: null, asks: [], codes: [], progress: null }

type Message = { kind: 'shown'; shown: Shown } | { kind: 'hello' }

const channelName = (pair: string) => `jumin-counter-${pair}`
const lockName = (pair: string, side: 'clerk' | 'customer') => `jumin-counter-${side}-${pair}`

/** Names this window, the same after a reload, so that its customer's window finds it again. */
export function pairName(): string {
  const known = sessionStorage.getItem('jumin-counter-pair')
  const name = known ?? crypto.randomUUID()
  sessionStorage.setItem('jumin-counter-pair', name)
  return name
}

/** Holds a lock for as long as the window lives: the other side knows by it, also after a crash. */
function hold(name: string): void {
  void navigator.locks?.request(name, () => new Promise(() => {}))
}

/** Tells the customer's windows what to show, now and whenever one opens. */
export class ToCustomer {
  #channel: BroadcastChannel
  #shown: Shown = closed

  constructor(private readonly pair: string) {
    hold(lockName(pair, 'clerk'))
    this.#channel = new BroadcastChannel(channelName(pair))
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => data.kind === 'hello' && this.#send()
  }

  show(shown: Shown): void {
    this.#shown = shown
    this.#send()
  }

  /** Says whether a customer's window is open. */
  async open(): Promise<boolean> {
    const { held } = (await navigator.locks?.query()) ?? {}
    return held?.some(({ name }) => name === lockName(this.pair, 'customer')) ?? false
  }

  #send(): void {
    this.#channel.postMessage({ kind: 'shown', shown: this.#shown } satisfies Message)
  }
}

/** Follows what the clerk's window wants shown; `closed` once that window is gone. */
export function followClerk(pair: string, take: (shown: Shown) => void): void {
  const channel = new BroadcastChannel(channelName(pair))
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data.kind === 'shown') take(data.shown)
  }
  void navigator.locks?.request(lockName(pair, 'customer'), { mode: 'shared' }, () => new Promise(() => {}))
  const watch = () =>
    navigator.locks?.request(lockName(pair, 'clerk'), { mode: 'shared' }, () => {
      take(closed)
      setTimeout(watch, 1_000)
    })
  channel.postMessage({ kind: 'hello' } satisfies Message)
  setTimeout(watch, 1_000)
}
