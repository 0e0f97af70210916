import { errorCodes } from '@jumin/shared/types/wallet.ts'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import en from '../src/messages/en.json'
import ko from '../src/messages/ko.json'

const core = join(import.meta.dirname, '..', '..', '..', 'wallet-app', 'core', 'src')
const elsewhere = ['identity/src/credential.rs', 'identity/src/request.rs', 'http/src/client.rs', 'registry/src/accreditation.rs'].map((path) => join(core, '..', '..', '..', path))
const inCore = ['vault/error.rs', 'vault/database.rs', 'issuance/mod.rs', 'present/mod.rs', 'trust/mod.rs', 'picture.rs', 'wallet/connect.rs'].map((path) => join(core, path))

/** Reads the codes that the `code()` functions of these files return. */
function codes(file: string): string[] {
  const source = readFileSync(file, 'utf8')
  return [...source.matchAll(/pub fn code\(&self\)[\s\S]*?\n {4}\}/g)].flatMap(([body]) => [...body.matchAll(/"([a-z_]+)"/g)].map(([, code]) => code!))
}

it.each(errorCodes)('error %s has its texts', (code) => {
  for (const messages of [ko, en] as Record<string, string>[]) {
    expect(messages).toHaveProperty([`error.${code}.title`])
    expect(messages).toHaveProperty([`error.${code}.do`])
  }
})

/** What a person is spared. */
const jargon = { ko: /DID|논스|원장|블록|키 바인딩|해시|JSON\b|HTTP|토큰|서명 검증/, en: /\bDID\b|[Nn]once|[Ll]edger|[Bb]lock\b|[Hh]ash|HTTP|[Tt]oken|[Cc]redential/ }

describe.each([...inCore, ...elsewhere])('errors of %s', (file) => {
  const found = codes(file)
  it('have a title and an advice in both languages', () => {
    expect(found.length).toBeGreaterThan(0)
    for (const code of found) {
      for (const messages of [ko, en] as Record<string, string>[]) {
        expect(messages[`error.${code}.title`], code).toBeTruthy()
        expect(messages[`error.${code}.do`], code).toBeTruthy()
      }
    }
  })
})

it('speak in plain words', () => {
  const texts = (messages: Record<string, string>) => Object.entries(messages).filter(([key]) => key.startsWith('error.'))
  for (const [key, text] of texts(ko)) expect(text, key).not.toMatch(jargon.ko)
  for (const [key, text] of texts(en)) expect(text, key).not.toMatch(jargon.en)
})

it('are all of one form: every title has its advice', () => {
  for (const key of Object.keys(ko)) if (/^error\..+\.title$/.test(key)) expect(ko).toHaveProperty([key.replace(/title$/, 'do')])
})
