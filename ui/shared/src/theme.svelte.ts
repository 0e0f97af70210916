export type Theme = 'system' | 'light' | 'dark'

let chosen = $state<Theme>('system')
const dark = () => window.matchMedia('(prefers-color-scheme: dark)')

function apply(): void {
  const isDark = chosen === 'dark' || (chosen === 'system' && dark().matches)
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
}

/** Sets the theme; `system` follows the desktop as it changes. */
export function setTheme(theme: Theme): void {
  chosen = theme
  apply()
}

/** Returns the chosen theme; reactive. */
export function theme(): Theme {
  return chosen
}

/** Applies the theme and follows the desktop; call once. */
export function startTheme(theme: Theme = 'system'): void {
  dark().addEventListener('change', apply)
  setTheme(theme)
}
