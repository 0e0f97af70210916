import type { Freshness, OfficeStatus, ServiceFreshness, ServiceInfo } from '@jumin/shared/types/counter.ts'
import { api } from './api'

const EVERY = 3_000
const EVERY_LOST = 1_000

/** Follows how the office stands: its services, its network, the age of what it knows, and whether its program answers. */
export class Office {
  status = $state<OfficeStatus | null>(null)
  services = $state<ServiceInfo[]>([])
  /** Whether the program answered last time; unknown before the first answer. */
  connected = $state<boolean | null>(null)
  /** The page's clock, in seconds, once a second. */
  now = $state(Date.now() / 1000)

  #at = $state(0)
  /** Begins to follow; returns what ends it. */
  start(): () => void {
    let goes = true
    const ticking = setInterval(() => (this.now = Date.now() / 1000), 1_000)
    void this.#follow(() => goes)
    return () => {
      goes = false
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

  async #follow(goes: () => boolean): Promise<void> {
    // Whoever starts this in an effect must not come to depend on what it reads and writes.
    await Promise.resolve()
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
    } catch {
      this.connected = false
    }
  }
}
