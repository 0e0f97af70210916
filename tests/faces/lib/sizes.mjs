// Weighs the built pages.
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'

/** The faces. */
export const faces = ['wallet', 'counter', 'console', 'explorer']

/** Bytes of a face's scripts and styles as gzip makes them; WebAssembly and fonts apart. */
export async function weigh(face) {
  const dist = path.join(import.meta.dirname, '../../../ui', face, 'dist')
  const files = await readdir(dist, { recursive: true })
  const sizes = { code: 0, wasm: 0, fonts: 0 }
  for (const name of files) {
    const kind = kindOf(name)
    if (!kind) continue
    const bytes = await readFile(path.join(dist, name))
    sizes[kind] += kind === 'fonts' ? bytes.length : gzipSync(bytes, { level: 9 }).length
  }
  return sizes
}

function kindOf(name) {
  if (/\.(js|mjs|css|html)$/.test(name)) return 'code'
  if (/\.wasm$/.test(name)) return 'wasm'
  return /\.woff2?$/.test(name) ? 'fonts' : undefined
}
