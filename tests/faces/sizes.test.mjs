import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faces, weigh } from './lib/sizes.mjs'

const LIMIT = 250 * 1024

for (const face of faces) {
  test(`the ${face}'s scripts and styles stay below 250 kB`, async () => {
    const { code } = await weigh(face)
    assert.ok(code > 1024, 'the page is not built: run `make ui`')
    assert.ok(code <= LIMIT, `${Math.round(code / 1024)} kB`)
  })
}
