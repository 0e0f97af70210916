import { sha256 } from '@noble/hashes/sha2.js'

/** Input that has not the form it should; `part` says what was expected. */
export class Malformed extends Error {
  constructor(readonly part: string) {
    super(`malformed: ${part}`)
  }
}

export type Bytes = Uint8Array

/** A cursor over untrusted bytes. */
export class Reader {
  #at = 0
  constructor(readonly bytes: Bytes) {}

  /** How many bytes were read. */
  get position(): number {
    return this.#at
  }

  take(count: number, what: string): Bytes {
    const end = this.#at + count
    if (end > this.bytes.length) throw new Malformed(what)
    const taken = this.bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  /** Reads a number of `size` bytes, most significant first. */
  number(size: number, what: string): bigint {
    return this.take(size, what).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  }

  byte(what: string): number {
    return Number(this.number(1, what))
  }

  rest(): Bytes {
    return this.take(this.bytes.length - this.#at, 'rest')
  }

  /** Ends the reading: bytes left over are an error. */
  finish(): void {
    if (this.#at !== this.bytes.length) throw new Malformed('bytes after the end')
  }
}

/** Writes base64url without padding. */
export function encode64(bytes: Bytes): string {
  const text = btoa(String.fromCharCode(...bytes))
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** Reads base64url without padding, in its one form. */
export function decode64(text: unknown, what: string): Bytes {
  if (typeof text !== 'string' || !/^[\w-]*$/.test(text) || text.length % 4 === 1) throw new Malformed(what)
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
  // Bits that belong to no byte have to be 0.
  if (bytes.length < 8192 && encode64(bytes) !== text) throw new Malformed(what)
  return bytes
}

export function concat(...parts: Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Compares bytes in their order: negative, 0 or positive. */
export function compare(one: Bytes, other: Bytes): number {
  for (let at = 0; at < Math.min(one.length, other.length); at++) {
    const difference = one[at]! - other[at]!
    if (difference !== 0) return difference
  }
  return one.length - other.length
}

export const equal = (one: Bytes, other: Bytes): boolean => compare(one, other) === 0

export const ascii = (text: string): Bytes => new TextEncoder().encode(text)

export const hash = (...parts: Bytes[]): Bytes => sha256(concat(...parts))

/** Hashes a message behind a domain, so that no digest of one kind can stand for another. */
export const domainHash = (domain: string, ...message: Bytes[]): Bytes => hash(ascii(domain), Uint8Array.of(0), ...message)
