import i18next from 'i18next'
import koShared from './messages/ko.json'
import enShared from './messages/en.json'

export type Language = 'ko' | 'en'
export type Catalogue = Record<string, string>
export interface Localized {
  ko: string
  en: string
}

const i18n = i18next.createInstance()
let current = $state<Language>('ko')

/** Takes in a face's own catalogues beside the shared ones; call once, before the first component. */
export function startMessages(catalogues: { ko: Catalogue; en: Catalogue }, language: Language): void {
  void i18n.init({
    lng: language,
    fallbackLng: false,
    keySeparator: false,
    nsSeparator: false,
    initAsync: false,
    // Svelte writes text nodes: markup in a name stays text.
    interpolation: { escapeValue: false },
    resources: {
      ko: { translation: { ...koShared, ...catalogues.ko } },
      en: { translation: { ...enShared, ...catalogues.en } },
    },
  })
  setLanguage(language)
}

/** Sets the language of every text on the page. */
export function setLanguage(language: Language): void {
  void i18n.changeLanguage(language)
  current = language
  document.documentElement.lang = language
}

/** Returns the language in use; reactive. */
export function language(): Language {
  return current
}

/** Returns a message of the catalogue in the language in use; reactive. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  return i18n.t(key, { ...values, lng: current })
}

/** Returns a message in a language that is not the page's: for a display that shows both. Mark its element with `lang`. */
export function tIn(language: Language, key: string, values: Record<string, string | number> = {}): string {
  return i18n.t(key, { ...values, lng: language })
}

/** Says whether the catalogue has a message: for codes that come from outside. */
export function has(key: string): boolean {
  return i18n.exists(key, { lng: current })
}

/** Picks a name in the language in use; a name that has no English falls back to Korean. */
export function pick(name: Localized | null | undefined): string {
  if (!name) return ''
  return (current === 'en' ? name.en : name.ko) || name.ko || name.en
}
