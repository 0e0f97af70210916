import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { beforeAll, expect, it } from 'vitest'
import { prepareZXingModule as prepareReader } from 'zxing-wasm/reader'
import { prepareZXingModule as prepareWriter, writeBarcode } from 'zxing-wasm/writer'
import { readFrame, readStill } from '../../src/scan'

const file = (name: string) => readFileSync(createRequire(import.meta.url).resolve(`zxing-wasm/${name}`)).buffer as ArrayBuffer

beforeAll(async () => {
  // There is no server to fetch from here.
  await prepareReader({ overrides: { wasmBinary: file('reader/zxing_reader.wasm') }, equalityFn: () => false, fireImmediately: true })
  await prepareWriter({ overrides: { wasmBinary: file('writer/zxing_writer.wasm') }, fireImmediately: true })
})

/** Draws a code as a frame: gray, 6 pixels a module. */
async function frame(text: string): Promise<ImageData> {
  const { symbol } = await writeBarcode(text, { format: 'QRCode' })
  const [scale, margin] = [6, 24]
  const width = symbol.width * scale + 2 * margin
  const data = new Uint8ClampedArray(width * width * 4).fill(255)
  for (let y = 0; y < symbol.height * scale; y++) {
    for (let x = 0; x < symbol.width * scale; x++) {
      const value = symbol.data[Math.floor(y / scale) * symbol.width + Math.floor(x / scale)]!
      data.fill(value, ((y + margin) * width + x + margin) * 4, ((y + margin) * width + x + margin) * 4 + 3)
    }
  }
  return { data, width, height: width, colorSpace: 'srgb' } as ImageData
}

it.each(['JM1:ABC $%*+-./:', 'openid4vp://?client_id=a', '한글 코드'])('reads %s', async (text) => {
  const image = await frame(text)
  expect(await readFrame(image)).toBe(text)
  expect(await readStill(image)).toBe(text)
})

it('reads nothing where there is no code', async () => {
  const data = new Uint8ClampedArray(200 * 200 * 4).fill(180)
  expect(await readStill({ data, width: 200, height: 200, colorSpace: 'srgb' } as ImageData)).toBeNull()
})
