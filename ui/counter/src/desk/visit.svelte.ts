import type { Outcome, Ruling, ScanProgress, Started } from '@jumin/shared/types/counter.ts'
import { Refused, Unreachable, api } from './api'
import { cleaned, isOurs, messageOf } from './code'
import type { Preferences } from './preferences'
import { kindAfter, kindOf, type Kind } from './verdict'

/** How a text came in: the camera tells what it sees over and over, a person scans on purpose. */
export type Source = 'camera' | 'scanner' | 'picture'
export type Hint = 'foreign' | 'next_first' | 'unread' | 'cleared' | null

export interface VisitOptions {
  preferences: () => Preferences
  /** Names this window, for the frames that the counter puts together. */
  window: string
  decided: (kind: Kind) => void
  /** The counter did not answer. */
  lost: () => void
}

/** Seconds before its end at which a request is replaced by a new one; the old one is still taken. */
const RENEW = 45
/** Milliseconds for which a code of the last customer, still held up, is not taken for the next one's. */
const LINGER = 4_000
const RETRY = 1_000
const HINT = 6_000

/** Is one customer's visit at the desk: from the request to the verdict; `next` forgets it all. */
export class Visit {
  request = $state<Started | null>(null)
  /** Why there is no request, if the counter refused one. */
  problem = $state<string | null>(null)
  progress = $state<ScanProgress | null>(null)
  checking = $state(false)
  outcome = $state<Outcome | null>(null)
  ruling = $state<Ruling | null>(null)
  ruled = $state<'asking' | 'late' | null>(null)
  hint = $state<Hint>(null)

  #showing: { id: string; until: number }[] = []
  #seen = new Set<string>()
  #lingering = { message: '', until: 0 }
  #number = 0
  #turn = 0
  #hinted: ReturnType<typeof setTimeout> | undefined
  #renewing: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly options: VisitOptions) {}

  get kind(): Kind | null {
    return this.outcome && kindAfter(kindOf(this.outcome.verdict), this.ruling)
  }

  /** Whether the clerk still has to decide. */
  get open(): boolean {
    return Boolean(this.outcome?.clerk_may_accept) && this.ruling === null && this.ruled !== 'late'
  }

  /** Begins with the next customer: everything about the last one is gone, here and in the counter's memory. */
  next(): void {
    const { outcome } = this
    if (outcome && this.open) void api.rule(outcome.id, false).catch(() => {})
    if (outcome) for (const { id } of this.#showing) void api.forget(id).catch(() => {})
    this.#lingering = { message: [...this.#seen].at(-1) ?? '', until: Date.now() + LINGER }
    this.#seen.clear()
    this.#showing = []
    this.#number += 1
    this.request = null
    this.#clear()
    this.tell(null)
    void this.#ask()
  }

  /** Takes a text that was read somewhere. */
  async take(read: string, source: Source): Promise<void> {
    const text = cleaned(read)
    const message = messageOf(text)
    if (source === 'camera' && this.#lingers(message)) return
    if (this.#seen.has(message) && source === 'camera') return
    if (this.outcome && (this.kind === 'valid' || this.outcome.clerk_may_accept)) {
      if (!this.#seen.has(message)) this.tell('next_first')
      return
    }
    if (!isOurs(text)) return this.tell('foreign')
    if (this.checking) return
    await this.#post(text, message)
  }

  /** Says what became of a reading, for a while. */
  tell(hint: Hint): void {
    clearTimeout(this.#hinted)
    this.hint = hint
    if (hint) this.#hinted = setTimeout(() => (this.hint = null), HINT)
  }

  /** Writes the clerk's decision down; says nothing as decided before the counter has. */
  async rule(accept: boolean): Promise<void> {
    const { outcome } = this
    if (!outcome || !this.open || this.ruled === 'asking') return
    this.ruled = 'asking'
    const turn = this.#turn
    const ruling = await this.#patiently(() => api.rule(outcome.id, accept), turn)
    if (turn !== this.#turn) return
    this.ruling = ruling instanceof Refused ? null : (ruling?.ruling ?? null)
    this.ruled = ruling instanceof Refused ? 'late' : null
    if (this.ruling) this.options.decided(this.kind!)
  }

  stop(): void {
    clearTimeout(this.#renewing)
    clearTimeout(this.#hinted)
    this.#turn += 1
  }

  #clear(): void {
    this.#turn += 1
    this.outcome = null
    this.ruling = null
    this.ruled = null
    this.progress = null
    this.problem = null
    this.checking = false
  }

  #lingers(message: string): boolean {
    const lingers = message === this.#lingering.message && Date.now() < this.#lingering.until
    if (lingers) this.#lingering.until = Date.now() + LINGER
    return lingers
  }

  async #post(text: string, message: string): Promise<void> {
    const { service } = this.options.preferences()
    const turn = this.#turn
    const body = () => ({
      text,
      desk: `${this.options.window}.${this.#number}`,
      showing: this.#showing.map(({ id }) => id),
      service: service ?? '',
    })
    this.checking = true
    const answer = await this.#patiently(() => api.scan(body()), turn)
    if (turn !== this.#turn) return
    this.checking = false
    if (answer === null || answer instanceof Refused) return this.tell('unread')
    if ('progress' in answer) {
      this.progress = answer.progress
      return
    }
    this.#seen.add(message)
    this.#clear()
    this.tell(null)
    this.outcome = answer
    this.options.decided(kindOf(answer.verdict))
  }

  /** Asks anew whenever the time of a request is nearly over. */
  async #ask(): Promise<void> {
    clearTimeout(this.#renewing)
    const { service, way } = this.options.preferences()
    if (!service || way === 'one-way') return
    const number = this.#number
    const turn = () => number === this.#number
    const started = await this.#patiently(() => api.start(service, 'qr'), this.#number, turn)
    if (!turn() || started === null) return
    if (started instanceof Refused) {
      this.problem = started.code
      return
    }
    const now = Date.now() / 1000
    this.request = started
    this.#showing = [...this.#showing.filter(({ until }) => until > now), { id: started.id, until: started.expires_at }].slice(-4)
    const left = Math.max(started.expires_at - now - RENEW, (started.expires_at - now) / 2, 1)
    this.#renewing = setTimeout(() => void this.#ask(), left * 1000)
  }

  /** Tries until the counter answers or the visit is over: a counter that is started anew loses nothing. */
  async #patiently<T>(what: () => Promise<T>, turn: number, goes = () => turn === this.#turn): Promise<T | Refused | null> {
    while (goes()) {
      try {
        return await what()
      } catch (error) {
        if (error instanceof Refused) return error
        if (!(error instanceof Unreachable)) throw error
        this.options.lost()
        await new Promise((resolve) => setTimeout(resolve, RETRY))
      }
    }
    return null
  }
}
