import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { check, type Verdict } from '../src/proof/check'

interface Case {
  name: string
  key: string
  trust: unknown
  answer: { key: string; value: string | null; proof: string; checkpoint: string }
  failed: { step: string; code: string } | null
  proven: boolean
  exists: boolean | null
}

// Written and judged by the node's own tests: both have to say the same.
const file = join(import.meta.dirname, '../../../registry/tests/vectors/answers.json')
const { now, cases }: { now: number; cases: Case[] } = JSON.parse(readFileSync(file, 'utf8'))
const judged = ({ key, trust, answer }: Case, at = now): Verdict => check({ key, trust, answer, now: at, maxAge: 120 })
const named = (name: string): Case => cases.find((one) => one.name === name)!

describe('answers that the node judges too', () => {
  it.each(cases)('$name', (one) => {
    const verdict = judged(one)
    const failed = verdict.steps.find(({ result }) => result === 'failed')
    expect(failed ? { step: failed.name, code: failed.code } : null).toEqual(one.failed)
    expect(verdict.proven).toBe(one.proven)
    expect(verdict.exists).toBe(one.exists)
  })
})

describe('a check', () => {
  it('has an answer that holds and one that fails for each step', () => {
    expect(cases.some(({ proven, exists }) => proven && exists)).toBe(true)
    expect(cases.some(({ proven, exists }) => proven && exists === false)).toBe(true)
    for (const step of ['trust', 'answer', 'handovers', 'checkpoint', 'signatures', 'path']) {
      expect(cases.filter(({ failed }) => failed?.step === step), step).not.toHaveLength(0)
    }
  })

  it('reaches no step after one that fails', () => {
    const { steps } = judged(named('two_of_four_signed'))
    const results = steps.map(({ result }) => result)
    expect(results).toEqual(['ok', 'ok', 'ok', 'ok', 'failed', 'not_reached', 'not_reached', 'not_reached'])
  })

  it('says who signed and the way to the root', () => {
    const { signatures, rungs, record } = judged(named('did'))
    expect(signatures.map(({ signed }) => signed)).toEqual([true, true, true, false])
    expect(rungs.length).toBeGreaterThan(0)
    expect(record).toMatchObject({ type: 'did', version: 1 })
  })

  it('calls an answer old, and still proven as of its time', () => {
    const verdict = judged(named('did'), now + 500)
    expect(verdict.steps.find(({ name }) => name === 'age')?.result).toBe('old')
    expect(verdict.proven).toBe(true)
  })

  it('fails whichever byte of the proof is altered', { timeout: 60_000 }, () => {
    const one = named('did')
    const proof = Buffer.from(one.answer.proof, 'base64url')
    for (let at = 0; at < proof.length; at += 3) {
      const altered = Buffer.from(proof)
      altered[at]! ^= 0x10
      const answer = { ...one.answer, proof: altered.toString('base64url') }
      expect(judged({ ...one, answer }).proven, `byte ${at}`).toBe(false)
    }
  })

  it('fails whichever part of the checkpoint is altered', { timeout: 60_000 }, () => {
    const one = named('did')
    const checkpoint = Buffer.from(one.answer.checkpoint, 'base64url')
    for (let at = 0; at < checkpoint.length; at += 5) {
      const altered = Buffer.from(checkpoint)
      altered[at]! ^= 0x10
      const answer = { ...one.answer, checkpoint: altered.toString('base64url') }
      expect(judged({ ...one, answer }).proven, `byte ${at}`).toBe(false)
    }
  })

  it.each([null, 3, 'text', [], {}, { key: 'did/x', value: 4, proof: '', checkpoint: '' }])('refuses %j as an answer', (answer) => {
    const one = named('did')
    expect(check({ key: one.key, trust: one.trust, answer, now, maxAge: 120 }).proven).toBe(false)
  })

  it.each([null, 3, 'text', [], {}])('refuses %j as a trust file', (trust) => {
    const one = named('did')
    const verdict = check({ key: one.key, trust, answer: one.answer, now, maxAge: 120 })
    expect(verdict.steps[0]).toMatchObject({ name: 'trust', result: 'failed', code: 'malformed' })
  })
})
