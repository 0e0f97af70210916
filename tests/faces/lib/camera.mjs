// Pictures for Chromium's fake camera: QR codes drawn as a camera would see them, one after the other, as a raw video (Y4M).
import { open, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import sharp from 'sharp'
import { prepareZXingModule, readBarcodes, writeBarcode } from 'zxing-wasm/full'

// Left alone, the library would fetch its module from the net.
const wasm = createRequire(import.meta.url).resolve('zxing-wasm/full/zxing_full.wasm')
prepareZXingModule({ overrides: { wasmBinary: await readFile(wasm) } })

/** What the camera sees, in pixels. */
export const WIDTH = 1280
export const HEIGHT = 720

/** Draws a text as a QR code: PNG bytes with a quiet zone, `scale` pixels a module. */
export async function qrPicture(text, scale = 4) {
  const options = { format: 'QRCode', scale, addQuietZones: true, ecLevel: 'L' }
  const { image, error } = await writeBarcode(text, options)
  if (!image) throw new Error(`no code was drawn: ${error}`)
  return Buffer.from(await image.arrayBuffer())
}

/** Reads the texts of all QR codes in a picture (PNG or JPEG bytes). */
export async function readCodes(picture) {
  const results = await readBarcodes(new Uint8Array(picture), { formats: ['QRCode'], tryHarder: true })
  return results.filter(({ isValid }) => isValid).map(({ text }) => text)
}

/**
 * Makes one gray frame: a sheet with the code (`text`, or `picture` as PNG bytes) held before a gray desk, or only the desk.
 * `blur` is a Gaussian's sigma in pixels, `tilt` is in degrees.
 */
export async function frame({ text, picture, blur = 0, tilt = 0, side = 660 } = {}) {
  const desk = sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: '#767676' } })
  const code = picture ?? (text && (await qrPicture(text)))
  if (!code) return gray(desk)
  const sheet = await sharp(code)
    .resize(side, side, { kernel: 'cubic', fit: 'contain', background: '#fff' })
    .rotate(tilt, { background: '#767676' })
    .resize(HEIGHT, HEIGHT, { fit: 'inside', withoutEnlargement: true })
    .toBuffer()
  const held = await desk.composite([{ input: sheet }]).png().toBuffer()
  return gray(blur > 0 ? sharp(held).blur(blur) : sharp(held))
}

async function gray(image) {
  const { data } = await image.grayscale().raw().toBuffer({ resolveWithObject: true })
  return data.length === WIDTH * HEIGHT ? data : data.filter((_, at) => at % (data.length / (WIDTH * HEIGHT)) === 0)
}

/**
 * Writes frames as the video that the fake camera plays over and over. Each frame is held for `hold` pictures at `rate`
 * pictures a second: `hold: 2, rate: 10` shows five frames a second, as the wallet's moving codes do.
 */
export async function writeVideo(file, frames, { rate = 10, hold = 2, flags = 'w' } = {}) {
  const out = await open(file, flags)
  // Two chroma planes of a quarter each: no colour.
  const chroma = Buffer.alloc((WIDTH * HEIGHT) / 2, 128)
  try {
    await out.write(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${rate}:1 Ip A1:1 C420jpeg\n`)
    for (const luma of frames) {
      for (let shown = 0; shown < hold; shown += 1) {
        await out.write('FRAME\n')
        await out.write(luma)
        await out.write(chroma)
      }
    }
  } finally {
    await out.close()
  }
  return file
}

/**
 * Makes a camera before which something can be held later: `await camera.hold({ text })` changes what it sees while Chromium
 * plays it. The file is written over in place with as many frames, so that the player never finds it short.
 */
export async function liveCamera(file) {
  const options = { rate: 30, hold: 1 }
  await writeVideo(file, [await frame()], options)
  return {
    file,
    async hold(look = {}) {
      const seen = await frame(look)
      const at = performance.now()
      await writeVideo(file, [seen], { ...options, flags: 'r+' })
      return at
    },
  }
}

/** Writes the video of codes held up in turn (one text: a code held still), with the look that `frame` takes. */
export async function cameraOf(file, texts, look = {}) {
  const frames = await Promise.all([texts].flat().map((text) => frame({ text, ...look })))
  return writeVideo(file, frames)
}
