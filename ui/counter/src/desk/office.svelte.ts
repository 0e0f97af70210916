import type { Freshness, OfficeStatus, ServiceFreshness, ServiceInfo } from '@jumin/shared/types/counter.ts'
import { api, Refused } from './api'
import { isLink, signInByLink } from './signin'

const EVERY = 3_000
const EVERY_LOST = 1_000

/** Follows how the office stands: its services, its network, the age of what it knows, and whether its program answers. */
export class Office {
  status = $state<OfficeStatus | null>(null)
  services = $state<ServiceInfo[]>([])
  /** Whether the program answered last time; unknown before the first answer. */
  connected = $state<boolean | null>(null)
  /** Whether this browser is not let in: not yet, not at all, or because its link lets nobody in any more. */
  signedOut = $state<false | 'entering' | 'out' | 'over'>(isLink() ? 'entering' : false)
  /** The page's clock, in seconds, once a second. */
  now = $state(Date.now() / 1000)

  #at = $state(0)
  /** Begins to follow; returns what ends it. */
  start(): () => void {
    let goes = true
    const opened = () => void this.#enter()
    addEventListener('hashchange', opened)
    const ticking = setInterval(() => (this.now = Date.now() / 1000), 1_000)
    void this.#follow(() => goes)
    return () => {
      goes = false
      removeEventListener('hashchange', opened)
      clearInterval(ticking)
    }
  }

  /** Tells how many seconds old something is by now that was so old at the last answer. */
  aged(seconds: number | null | undefined): number | null {
    return seconds === null || seconds === undefined ? null : seconds + Math.max(0, this.now - this.#at)
  }

  service(name: string | null): ServiceInfo | null {
    return this.services.find(({ service }) => service === name) ?? null
  }

  freshness(name: string): Freshness {
    return this.status?.services.find(({ service }) => service === name)?.freshness ?? 'fresh'
  }

  /** Tells whether the office may ask for what a service asks for, as far as is known. */
  standing(name: string): Pick<ServiceFreshness, 'standing' | 'beyond'> {
    return this.status?.services.find(({ service }) => service === name) ?? { standing: 'unknown', beyond: [] }
  }

  /** Takes note that a call just found nobody. */
  lost(): void {
    this.connected = false
  }

  async signOut(): Promise<void> {
    await api.signOut().catch(() => undefined)
    await this.#ask()
  }

  /** Takes the link that the address is, if it is one. */
  async #enter(): Promise<void> {
    const entered = await signInByLink()
    if (entered === 'over') this.signedOut = 'over'
    if (entered === 'unreachable') this.signedOut = false
    if (entered !== 'none') await this.#ask()
  }

  async #follow(goes: () => boolean): Promise<void> {
    // Whoever starts this in an effect must not come to depend on what it reads and writes.
    await Promise.resolve()
    await this.#enter()
    while (goes()) {
      await this.#ask()
      await new Promise((resolve) => setTimeout(resolve, this.connected ? EVERY : EVERY_LOST))
    }
  }

  async #ask(): Promise<void> {
    try {
      // A program that was started anew may offer other services.
      if (!this.connected) this.services = await api.services()
      this.status = await api.status()
      this.#at = Date.now() / 1000
      this.connected = true
      this.signedOut = false
    } catch (error) {
      // The program answers, but not to this browser.
      const out = error instanceof Refused && error.status === 401
      if (out && this.signedOut !== 'over') this.signedOut = 'out'
      this.connected = out ? null : false
    }
  }
}
