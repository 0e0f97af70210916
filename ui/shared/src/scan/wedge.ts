import { layout } from './layout'

export interface WedgeOptions {
  /** Takes a code that was typed as a whole, without the key that ended it. */
  onread: (text: string) => void
  /** Takes every printable key, however slow: for a screen that has no text field. */
  exclusive?: () => boolean
  /** The shortest text that counts as a code. */
  shortest?: number
}

/** Milliseconds between two keys of a scanner, at most; people need more. */
const FAST = 40
/** Fast keys in a row after which they are taken for a scanner's. */
const BURST = 3
/** Milliseconds of silence that end a code without Enter or Tab. */
const PAUSE = 100
/** Characters that a code may have; what goes on is no code. */
const LONGEST = 8192

/**
 * Listens for a handheld scanner that types as a US keyboard. Returns what ends the listening.
 *
 * It goes by the key's place (`code`) and Shift, never by `key`: with a Korean input method on, `key` is a jamo or
 * `Process`, and with Caps Lock on it has the other case. A scanner presses Shift for capitals either way.
 */
export function listenForScanner(options: WedgeOptions, target: EventTarget = window): () => void {
  const wedge = new Wedge(options)
  const down = (event: Event) => wedge.key(event as KeyboardEvent)
  target.addEventListener('keydown', down, { capture: true })
  return () => {
    target.removeEventListener('keydown', down, { capture: true })
    wedge.clear()
  }
}

class Wedge {
  #text = ''
  #at = -Infinity
  #fast = 0
  #burst = false
  #overflow = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly options: WedgeOptions) {}

  key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return
    const ends = event.code === 'Enter' || event.code === 'NumpadEnter' || event.code === 'Tab'
    const character = layout(event.code, event.shiftKey)
    if (character === null && !ends) return
    const gap = event.timeStamp - this.#at
    if (gap > PAUSE) this.clear()
    if (ends) return this.#end(event)
    // No code begins with a space: alone, it presses the button that has the focus.
    if (character === ' ' && !this.#text) return
    this.#fast = gap <= FAST ? this.#fast + 1 : 0
    this.#burst ||= this.#fast >= BURST
    if (this.#taken()) swallow(event)
    if (event.repeat) return
    this.#at = event.timeStamp
    this.#add(character!)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#text = ''
    this.#fast = 0
    this.#burst = false
    this.#at = -Infinity
    this.#overflow = false
  }

  #taken(): boolean {
    return this.#burst || (this.options.exclusive?.() ?? false)
  }

  #add(character: string): void {
    if (this.#text.length >= LONGEST) this.#overflow = true
    else this.#text += character
    clearTimeout(this.#timer)
    const at = this.#at
    // A busy page gets its keys late: those that wait are let in first, and then a later key shows here.
    this.#timer = setTimeout(() => setTimeout(() => at === this.#at && this.#finish(), 0), PAUSE)
  }

  #end(event: KeyboardEvent): void {
    if (!this.#text || !this.#taken()) return this.clear()
    swallow(event)
    this.#finish()
  }

  #finish(): void {
    const whole = this.#taken() && !this.#overflow && this.#text.length >= (this.options.shortest ?? 8)
    const text = this.#text
    this.clear()
    if (whole) this.options.onread(text)
  }
}

/** Keeps a scanner's keys from fields, buttons and shortcuts. */
function swallow(event: KeyboardEvent): void {
  event.preventDefault()
  event.stopImmediatePropagation()
}
