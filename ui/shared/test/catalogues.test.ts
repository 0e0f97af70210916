import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'svelte/compiler'
import { describe, expect, it } from 'vitest'

const faces = ['shared', 'wallet', 'counter', 'console', 'explorer']
const root = join(import.meta.dirname, '..', '..')
const plural = /_(zero|one|two|few|many|other)$/
const spoken = ['aria-label', 'title', 'placeholder', 'alt', 'label', 'hint', 'text', 'aria-description']

function catalogue(face: string, language: string): Record<string, string> {
  return JSON.parse(readFileSync(join(root, face, 'src', 'messages', `${language}.json`), 'utf8'))
}

function sources(face: string, ending: string): string[] {
  const folder = join(root, face, 'src')
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith(ending)).map((name) => join(folder, name))
}

const keys = (messages: Record<string, string>) => [...new Set(Object.keys(messages).map((key) => key.replace(plural, '')))].sort()
const variables = (text: string) => [...new Set(text.match(/\{\{\w+\}\}/g) ?? [])].sort()

/** Lists the texts of a component that don't come from a catalogue. */
function inline(source: string): string[] {
  const found: string[] = []
  const words = /[\p{L}]{2,}/u
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(walk)
    if (typeof node !== 'object' || node === null) return
    const { type, name, value, data } = node as Record<string, unknown>
    if (type === 'Text' && typeof data === 'string' && words.test(data)) found.push(data.trim())
    if (type === 'Attribute') {
      const texts = Array.isArray(value) ? value : []
      if (spoken.includes(String(name))) texts.forEach(walk)
      else texts.filter((part) => part.type !== 'Text').forEach(walk)
      return
    }
    for (const [key, child] of Object.entries(node)) if (key !== 'css') walk(child)
  }
  walk(parse(source, { modern: true }).fragment)
  return found
}

describe.each(faces)('catalogues of %s', (face) => {
  const [ko, en] = [catalogue(face, 'ko'), catalogue(face, 'en')]

  it('have the same keys', () => {
    expect(keys(en)).toEqual(keys(ko))
  })

  it('have no empty message, and the same variables', () => {
    for (const [key, text] of Object.entries(ko)) {
      expect(text.trim(), key).not.toBe('')
      const other = en[key] ?? en[key.replace(plural, '_other')]
      expect(other?.trim(), key).toBeTruthy()
      expect(variables(other!), key).toEqual(variables(text))
    }
  })

  it('hold every text that a person reads', () => {
    for (const file of sources(face, '.svelte')) {
      expect(inline(readFileSync(file, 'utf8')), file).toEqual([])
    }
  })

  it('hold every key that the code names', () => {
    const all = { ...catalogue('shared', 'ko'), ...ko }
    const known = new Set(keys(all))
    for (const file of [...sources(face, '.svelte'), ...sources(face, '.ts')]) {
      for (const [, key] of readFileSync(file, 'utf8').matchAll(/\bt\(\s*'([^']+)'/g)) {
        expect(known.has(key!), `${key} in ${file}`).toBe(true)
      }
    }
  })
})

it('finds text outside the catalogues', () => {
  expect(inline('<p>Hello</p>')).toEqual(['Hello'])
  expect(inline('<img alt="사진이다" />')).toEqual(['사진이다'])
  expect(inline('<p class="some words">{x}</p>')).toEqual([])
})
