import { setLanguage, setTheme, type Language, type Theme } from '@jumin/shared'
import type { AppState, Preferences } from '@jumin/shared/types/wallet.ts'
import { router } from './router.svelte'
import { flow } from './scanning/flow.svelte'
import { wallet } from './wallet'

let app = $state.raw<AppState | null>(null)

function dress({ language, theme }: Preferences): void {
  if (language) setLanguage(language)
  setTheme(theme)
}

/** What the program says about the wallet as a whole. */
export const session = {
  get app(): AppState | null {
    return app
  },
  get preferences(): Preferences {
    return app?.preferences ?? { language: null, theme: 'system', lock_minutes: 5 }
  },
  /** Asks for the state and goes where it leads. */
  async start(): Promise<void> {
    await session.enter(await wallet.appState())
  },
  /** Takes a new state in and goes where it leads; a link that waited is opened. */
  async enter(state: AppState): Promise<void> {
    app = state
    dress(state.preferences)
    router.enter(state.state)
    if (state.state === 'unlocked') await session.openLink()
  },
  /** Takes a new state in and stays on this screen. */
  update(state: AppState): void {
    app = state
  },
  async openLink(): Promise<void> {
    if (app?.state !== 'unlocked') return
    const link = await wallet.takeLink()
    if (link) flow.arrive(link)
  },
  /** Saves choices; they show at once, and stay for this window even where saving fails. */
  async prefer(change: { language?: Language; theme?: Theme; lock_minutes?: number }): Promise<void> {
    const preferences = { ...session.preferences, ...change }
    if (app) app = { ...app, preferences }
    dress(preferences)
    const saved = await wallet.setPreferences($state.snapshot(preferences))
    if (app) app = { ...app, preferences: saved }
  },
}
