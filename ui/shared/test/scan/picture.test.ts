import { expect, it } from 'vitest'
import ko from '../../src/messages/ko.json'
import { cameraProblems } from '../../src/scan/camera.svelte'
import { dimensions } from '../../src/scan/dimensions'
import { readPicture } from '../../src/scan'

const bytes = (...parts: (string | number[])[]) =>
  new Uint8Array(parts.flatMap((part) => (typeof part === 'string' ? [...part].map((c) => c.charCodeAt(0)) : part)))
const png = (width: number[], height: number[]) => bytes([0x89], 'PNG\r\n', [0x1a, 10, 0, 0, 0, 13], 'IHDR', width, height)

it('tells the sides of PNG, JPEG and WebP from their first bytes', () => {
  expect(dimensions(png([0, 0, 1, 2], [0, 0, 0, 9]))).toEqual({ width: 258, height: 9 })
  const jpeg = bytes([0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc4, 0, 3, 0, 0xff, 0xc2, 0, 11, 8, 0, 5, 1, 0, 3])
  expect(dimensions(jpeg)).toEqual({ width: 256, height: 5 })
  const lossless = bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8L', [0, 0, 0, 0, 0x2f, 0x04, 0xc0, 0x01, 0])
  expect(dimensions(lossless)).toEqual({ width: 5, height: 8 })
  const extended = bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8X', [0, 0, 0, 0, 0, 0, 0, 0, 9, 1, 0, 19, 0, 0])
  expect(dimensions(extended)).toEqual({ width: 266, height: 20 })
})

it('tells nothing of what is no picture or cut short', () => {
  for (const data of [bytes(''), bytes('GIF89a and more bytes here'), bytes([0xff, 0xd8, 0xff, 0xe0, 0, 4]), bytes([0x89], 'PNG')]) {
    expect(dimensions(data)).toBeNull()
  }
})

it('refuses a picture before decoding it: too many bytes, too many pixels, or none', async () => {
  const refusal = (file: Blob) => readPicture(file).then(String, (error) => error.code)
  expect(await refusal(new Blob([new Uint8Array(16 * 1024 * 1024 + 1)]))).toBe('picture_too_large')
  expect(await refusal(new Blob([png([0, 0, 0x27, 0x11], [0, 0, 0, 9])]))).toBe('picture_too_large')
  expect(await refusal(new Blob([png([0, 0, 0x27, 0x10], [0, 0, 0x27, 0x10])]))).toBe('picture_too_large')
  expect(await refusal(new Blob(['<svg xmlns="x"/>']))).toBe('picture_unreadable')
})

it('has words for each problem', () => {
  for (const problem of cameraProblems) expect(ko).toHaveProperty([`camera.${problem}.text`])
  for (const problem of ['picture_too_large', 'picture_unreadable', 'no_qr_code']) {
    expect(ko).toHaveProperty([`scan.${problem}.text`])
  }
})
