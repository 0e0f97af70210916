import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { listenForScanner } from '../../src/scan'

const places: Record<string, [string, boolean]> = {
  ' ': ['Space', false], '$': ['Digit4', true], '%': ['Digit5', true], '*': ['Digit8', true], '+': ['Equal', true],
  '-': ['Minus', false], '.': ['Period', false], '/': ['Slash', false], ':': ['Semicolon', true], '{': ['BracketLeft', true],
  '}': ['BracketRight', true], '"': ['Quote', true], '?': ['Slash', true], '=': ['Equal', false], '&': ['Digit7', true], _: ['Minus', true],
}
function place(character: string): [string, boolean] {
  if (/[0-9]/.test(character)) return [`Digit${character}`, false]
  if (/[A-Za-z]/.test(character)) return [`Key${character.toUpperCase()}`, /[A-Z]/.test(character)]
  return places[character]!
}

let clock = 0
/** Types a key; returns whether it reached the page. */
function press(code: string, init: KeyboardEventInit = {}, gap = 5): boolean {
  clock += gap
  const event = new KeyboardEvent('keydown', { code, bubbles: true, cancelable: true, ...init })
  Object.defineProperty(event, 'timeStamp', { value: clock })
  return window.dispatchEvent(event)
}
function type(text: string, options: { key?: (character: string) => string; gap?: number } = {}): boolean[] {
  return [...text].map((character) => {
    const [code, shiftKey] = place(character)
    return press(code, { shiftKey, key: options.key?.(character) ?? character }, options.gap)
  })
}

describe('a handheld scanner', () => {
  let read: string[] = []
  let exclusive = false
  let stop: () => void
  beforeEach(() => {
    vi.useFakeTimers()
    clock += 10_000
    read = []
    exclusive = false
    stop = listenForScanner({ onread: (text) => read.push(text), exclusive: () => exclusive })
  })
  afterEach(() => {
    stop()
    vi.useRealTimers()
  })

  it('is read up to Enter, and its keys are kept from the page', () => {
    const reached = type('JM1:ABC $%*+-./:789')
    expect(reached.slice(0, 3)).toEqual([true, true, true])
    expect(reached.slice(3)).not.toContain(true)
    expect(press('Enter')).toBe(false)
    expect(read).toEqual(['JM1:ABC $%*+-./:789'])
  })

  it('is read with a link or JSON in it', () => {
    type('openid4vp://?a=b&c_d={"x":1}')
    press('Tab')
    expect(read).toEqual(['openid4vp://?a=b&c_d={"x":1}'])
  })

  it('is read with a Korean input method on: `key` is a jamo, or Process', () => {
    type('QWERTY123', { key: () => 'ㅂ' })
    press('Enter')
    type('QWERTY123', { key: () => 'Process' })
    press('Enter', { key: 'Process' })
    expect(read).toEqual(['QWERTY123', 'QWERTY123'])
  })

  it('is read with Caps Lock on: `key` has the other case', () => {
    const other = (c: string) => (c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase())
    type('AbCdEf12', { key: other })
    press('Enter')
    expect(read).toEqual(['AbCdEf12'])
  })

  it('without Enter is read after a pause', () => {
    type('ABCDEFGH')
    expect(read).toEqual([])
    vi.advanceTimersByTime(150)
    expect(read).toEqual(['ABCDEFGH'])
  })

  it('is told from a person who types', () => {
    expect(type('a slow hand', { gap: 80 })).not.toContain(false)
    expect(press('Enter', {}, 80)).toBe(true)
    vi.advanceTimersByTime(500)
    expect(read).toEqual([])
  })

  it('takes slow keys too where it has the page to itself, but no shortcut and no lone space', () => {
    exclusive = true
    type('ABCDEFGH', { gap: 90 })
    press('Enter', {}, 90)
    expect(read).toEqual(['ABCDEFGH'])
    expect(press('KeyR', { ctrlKey: true }, 500)).toBe(true)
    expect(press('Space', {}, 500)).toBe(true)
    expect(press('F2', {}, 500)).toBe(true)
  })

  it('drops what is too short or too long', () => {
    type('ABC')
    press('Enter')
    type('A'.repeat(8200))
    press('Enter')
    expect(read).toEqual([])
    type('ABCDEFGH')
    press('Enter')
    expect(read).toEqual(['ABCDEFGH'])
  })

  it('is heard no more once the listening ended', () => {
    stop()
    type('ABCDEFGH')
    press('Enter')
    expect(read).toEqual([])
  })
})
