import type { CardFace } from '@jumin/shared/types/wallet.ts'

const hex = /^#[0-9a-f]{6}$/i

function luminance(colour: string): number {
  const part = (from: number) => {
    const value = parseInt(colour.slice(from, from + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

/** Returns the contrast of two colours of the form #rrggbb (WCAG 2.2, contrast ratio). */
export function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

/** Takes a type's colours where they are colours and can be read together; otherwise black or white is written on the background. */
export function cardColours({ background, text }: Pick<CardFace, 'background' | 'text'>): { background: string; text: string } {
  const ground = hex.test(background) ? background : '#33415c'
  if (hex.test(text) && contrast(ground, text) >= 4.5) return { background: ground, text }
  return { background: ground, text: contrast(ground, '#ffffff') >= contrast(ground, '#101624') ? '#ffffff' : '#101624' }
}
