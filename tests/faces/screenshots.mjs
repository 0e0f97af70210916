// Draws the screens of all faces, or of those named, in both languages and themes: `node screenshots.mjs [--out DIR] [face…]`.
import { parseArgs } from 'node:util'
import path from 'node:path'
import { existsSync } from 'node:fs'
import { launch } from './lib/browser.mjs'
import { shooter } from './lib/shoot.mjs'
import { startStack } from './lib/stack.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string', default: path.join(import.meta.dirname, '../../docs/images') } },
})
const faces = positionals.length > 0 ? positionals : ['wallet', 'counter', 'console', 'explorer']

for (const face of faces) {
  const file = path.join(import.meta.dirname, 'screens', `${face}.mjs`)
  if (!existsSync(file)) throw new Error(`there are no screens of ${face}`)
  const { screens, start = startStack } = await import(file)
  for (const language of ['ko', 'en']) {
    const started = Date.now()
    // Each language plays on a stack of its own, so that both show the same.
    const stack = await start()
    try {
      await screens({ stack, language, launch, shoot: shooter(path.resolve(values.out), language) })
    } finally {
      await stack.stop()
    }
    console.log(`${face} ${language}: ${((Date.now() - started) / 1000).toFixed(1)} s`)
  }
}
