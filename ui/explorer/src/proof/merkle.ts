// A record's way up to the state root, or that of what stands where it would be: docs/did-method.md §7.
import { Malformed, Reader, ascii, domainHash, equal, hash, type Bytes } from './bytes'

const EMPTY = ascii('SPARSE_MERKLE_PLACEHOLDER_HASH__')
const LEAF = ascii('JMT::LeafNode')
const INTERNAL = ascii('JMT::IntrnalNode')

type End = { kind: 'empty' } | { kind: 'own' } | { kind: 'other'; key: Bytes; value: Bytes }

interface Path {
  end: End
  /** Deepest first. */
  siblings: Bytes[]
}

/** One step on the way to the root, to be shown. */
export interface Rung {
  depth: number
  sibling: Bytes
  empty: boolean
  /** Whether the sibling stands to the left. */
  left: boolean
  hash: Bytes
}

const bit = (bytes: Bytes, index: number): number => (bytes[index >> 3]! >> (7 - (index & 7))) & 1

function readEnd(reader: Reader): End {
  const kind = reader.byte('end of the path')
  if (kind === 0) return { kind: 'empty' }
  if (kind === 1) return { kind: 'own' }
  if (kind === 2) return { kind: 'other', key: reader.take(32, 'leaf'), value: reader.take(32, 'leaf') }
  throw new Malformed('end of the path')
}

function readPath(bytes: Bytes): Path {
  const reader = new Reader(bytes)
  const end = readEnd(reader)
  const count = reader.byte('siblings')
  const bitmap = reader.take(Math.ceil(count / 8), 'siblings')
  const isSet = (index: number) => ((bitmap[index >> 3]! >> (index & 7)) & 1) === 1
  // One proof, one form: unused bits are 0, and an empty sibling is never written out.
  for (let index = count; index < bitmap.length * 8; index++) if (isSet(index)) throw new Malformed('siblings')
  const siblings = Array.from({ length: count }, (_, index) => {
    if (!isSet(index)) return EMPTY
    const sibling = reader.take(32, 'sibling')
    if (equal(sibling, EMPTY)) throw new Malformed('sibling')
    return sibling
  })
  reader.finish()
  return { end, siblings }
}

function commonBits(one: Bytes, other: Bytes): number {
  for (let index = 0; index < 256; index++) if (bit(one, index) !== bit(other, index)) return index
  return 256
}

/** Gives a record's place in the tree. */
export const keyHash = (key: string): Bytes => domainHash('jumin-record-key-v1', ascii(key))

function leafOf(path: Path, key: Bytes, value: Bytes | null): Bytes | null {
  const { end, siblings } = path
  if (value) return end.kind === 'own' ? hash(LEAF, key, hash(value)) : null
  if (end.kind === 'empty') return EMPTY
  // Another key's leaf takes the place where this key would be: they must agree on the way down to it.
  const takesItsPlace = end.kind === 'other' && !equal(end.key, key) && commonBits(end.key, key) >= siblings.length
  return takesItsPlace && end.kind === 'other' ? hash(LEAF, end.key, end.value) : null
}

export interface Climb {
  /** Whether the way leads to the root. */
  holds: boolean
  rungs: Rung[]
}

/** Climbs from a value, or from the place where nothing is, to the root; throws `Malformed` when the proof can't be read. */
export function climb(root: Bytes, key: Bytes, value: Bytes | null, proof: Bytes): Climb {
  const path = readPath(proof)
  const leaf = leafOf(path, key, value)
  if (!leaf) return { holds: false, rungs: [] }
  const depth = path.siblings.length
  let reached = leaf
  const rungs = path.siblings.map((sibling, index) => {
    const left = bit(key, depth - 1 - index) === 1
    reached = left ? hash(INTERNAL, sibling, reached) : hash(INTERNAL, reached, sibling)
    return { depth: depth - index, sibling, empty: sibling === EMPTY, left, hash: reached }
  })
  return { holds: equal(reached, root), rungs }
}
