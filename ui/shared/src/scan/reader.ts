import { prepareZXingModule, readBarcodes, type ReaderOptions } from 'zxing-wasm/reader'
import wasm from 'zxing-wasm/reader/zxing_reader.wasm?url'

/** A QR code holds at most 7,089 characters (ISO/IEC 18004 table 7); what claims more is not one. */
const LONGEST_TEXT = 7089

const common: ReaderOptions = { formats: ['QRCode'], maxNumberOfSymbols: 1, tryInvert: false, textMode: 'Plain' }
const quick: ReaderOptions = { ...common, tryHarder: false, tryRotate: false, tryDownscale: true }
const thorough: ReaderOptions = { ...common, tryHarder: true, tryRotate: true, tryDownscale: true, tryInvert: true }

let prepared = false

/** Loads the decoder (one WebAssembly file of our own) once; a screen that will scan calls it early. */
export async function warmReader(): Promise<void> {
  const overrides = { locateFile: () => wasm }
  prepared = true
  await prepareZXingModule({ overrides, equalityFn: () => prepared, fireImmediately: true })
}

async function read(image: ImageData, options: ReaderOptions): Promise<string | null> {
  if (!prepared) await warmReader()
  const [found] = await readBarcodes(image, options)
  if (!found?.isValid || !found.text || found.text.length > LONGEST_TEXT) return null
  return found.text
}

/** Reads the QR code of one video frame, the fast way: the next frame is another chance. */
export function readFrame(image: ImageData): Promise<string | null> {
  return read(image, quick)
}

/** Reads the QR code of a still picture's pixels with all that the decoder can try. */
export function readStill(image: ImageData): Promise<string | null> {
  return read(image, thorough)
}
