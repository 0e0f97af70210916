import type { Language, Theme } from '@jumin/shared'

/** How the desk asks: with a request that the citizen scans, or for a code that the citizen makes alone. */
export type Way = 'request' | 'one-way'

/** Is what this desk keeps in the browser. Nothing about anybody. */
export interface Preferences {
  desk: string
  service: string | null
  way: Way
  sound: boolean
  language: Language
  theme: Theme
}

const KEY = 'jumin-counter'
const defaults: Preferences = { desk: '', service: null, way: 'request', sound: true, language: 'ko', theme: 'system' }

/** Reads the preferences; what is damaged counts as not set. */
export function loadPreferences(): Preferences {
  let stored: Partial<Preferences> | null = null
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? 'null')
  } catch {
    // Another program's value, or no storage at all.
  }
  const { desk, service, way, sound, language, theme } = stored ?? {}
  return {
    desk: typeof desk === 'string' ? desk.slice(0, 40) : defaults.desk,
    service: typeof service === 'string' ? service : defaults.service,
    way: way === 'one-way' ? way : defaults.way,
    sound: sound !== false,
    language: language === 'en' ? language : defaults.language,
    theme: theme === 'light' || theme === 'dark' ? theme : defaults.theme,
  }
}

/** Keeps the preferences, if the browser has a place for them. */
export function savePreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences))
  } catch {
    // They hold until the page is closed.
  }
}
