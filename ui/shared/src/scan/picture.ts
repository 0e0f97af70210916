import { dimensions } from './dimensions'
import { readStill } from './reader'

export type PictureProblem = 'picture_too_large' | 'picture_unreadable' | 'no_qr_code'

/** Says why a picture gave no text: `code` is a key of the catalogue under `scan.`. */
export class PictureError extends Error {
  constructor(readonly code: PictureProblem) {
    super(code)
  }
}

export const PICTURE_TYPES = ['image/png', 'image/jpeg', 'image/webp']
const LARGEST_FILE = 16 * 1024 * 1024
const LONGEST_SIDE = 10_000
const MOST_PIXELS = 50_000_000
/** Longest sides to try, in pixels: a code too fine for one is often read at another. */
const TRIES = [1600, 3000, 800]

/** Reads the QR code of a picture file. Throws `PictureError` when there is none, or it is too large or no picture. */
export async function readPicture(file: Blob): Promise<string> {
  const picture = await decode(file)
  try {
    for (const side of sizes(Math.max(picture.width, picture.height))) {
      const text = await readStill(pixels(picture, side))
      if (text) return text
    }
  } finally {
    picture.close()
  }
  throw new PictureError('no_qr_code')
}

async function decode(file: Blob): Promise<ImageBitmap> {
  if (file.size > LARGEST_FILE) throw new PictureError('picture_too_large')
  const size = dimensions(new Uint8Array(await file.arrayBuffer()))
  if (!size || size.width < 1 || size.height < 1) throw new PictureError('picture_unreadable')
  const { width, height } = size
  if (Math.max(width, height) > LONGEST_SIDE || width * height > MOST_PIXELS) throw new PictureError('picture_too_large')
  try {
    return await createImageBitmap(file)
  } catch {
    throw new PictureError('picture_unreadable')
  }
}

/** Lists the sizes to try: never larger than the picture, each once. */
function sizes(longest: number): number[] {
  return [...new Set(TRIES.map((side) => Math.min(side, longest)))]
}

/** Draws the picture at a size, on white (a transparent code has no light modules), with the quiet zone that a crop cut off. */
function pixels(picture: ImageBitmap, longest: number): ImageData {
  const scale = longest / Math.max(picture.width, picture.height)
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale))) as [number, number]
  const margin = Math.ceil(longest / 16)
  const canvas = document.createElement('canvas')
  canvas.width = width + 2 * margin
  canvas.height = height + 2 * margin
  const context = canvas.getContext('2d', { willReadFrequently: true })!
  context.fillStyle = '#ffffff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.drawImage(picture, margin, margin, width, height)
  return context.getImageData(0, 0, canvas.width, canvas.height)
}
