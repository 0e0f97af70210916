import { language, setLanguage, setTheme, theme, type Language, type Theme } from '@jumin/shared'

const KEY = 'jumin.explorer.settings'

function stored(): { language?: unknown; theme?: unknown } {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') ?? {}
  } catch {
    return {}
  }
}

function store(): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ language: language(), theme: theme() }))
  } catch {
    // Storage can be off; the choice lasts as long as the page then.
  }
}

/** Reads the language and the look that this browser chose before. */
export function chosen(): { language: Language; theme: Theme } {
  const { language: spoken, theme: look } = stored()
  return { language: spoken === 'en' ? 'en' : 'ko', theme: look === 'light' || look === 'dark' ? look : 'system' }
}

export function chooseLanguage(to: Language): void {
  setLanguage(to)
  store()
}

export function chooseTheme(to: Theme): void {
  setTheme(to)
  store()
}
