import { invoke } from '@tauri-apps/api/core'
import { listen, type UnlistenFn } from '@tauri-apps/api/event'
import type {
  About, Activity, Agency, Answer, AppState, Checked, CodeDrawing, CommandError, Consent, DocumentDetail, DocumentStatus,
  DocumentSummary, Preferences, Scan, Service,
} from '@jumin/shared/types/wallet.ts'

/** Is what a command failed with: a stable code, and the numbers or names that its message needs. */
export class WalletError extends Error {
  override readonly name = 'WalletError'
  constructor(
    readonly code: string,
    readonly values: Record<string, string | number> = {},
  ) {
    super(code)
  }

  /** Takes whatever was thrown; what no command throws is `internal`. */
  static from(thrown: unknown): WalletError {
    if (thrown instanceof WalletError) return thrown
    if (typeof thrown === 'object' && thrown !== null && 'code' in thrown) {
      const { code, values } = thrown as CommandError
      if (typeof code === 'string') return new WalletError(code, values ?? {})
    }
    return new WalletError('internal')
  }
}

async function call<T>(command: string, values: Record<string, unknown> = {}): Promise<T> {
  try {
    return await invoke<T>(command, values)
  } catch (thrown) {
    throw WalletError.from(thrown)
  }
}

/** Every command of the window's program; each fails with a `WalletError`. */
export const wallet = {
  appState: () => call<AppState>('app_state'),
  setPreferences: (preferences: Preferences) => call<Preferences>('set_preferences', { preferences }),
  chooseNetwork: (text: string) => call<AppState>('choose_network', { text }),
  replaceNetwork: (text: string) => call<void>('replace_network', { text }),
  createWallet: (secret: string, keyring: boolean) => call<AppState>('create_wallet', { secret, keyring }),
  unlock: (secret: string) => call<AppState>('unlock', { secret }),
  lock: () => call<void>('lock'),
  changeSecret: (old: string, secret: string) => call<void>('change_secret', { old, new: secret }),
  eraseWallet: () => call<AppState>('erase_wallet', { confirmed: true }),
  /** Keeps the wallet unlocked. */
  touch: () => call<void>('touch'),
  about: () => call<About>('about'),
  sync: () => call<Checked>('sync'),

  documents: () => call<DocumentSummary[]>('documents'),
  document: (id: string) => call<DocumentDetail>('document', { id }),
  reveal: (id: string, path: string) => call<string>('reveal', { id, path }),
  documentStatus: (id: string) => call<DocumentStatus>('document_status', { id }),
  deleteDocument: (id: string) => call<void>('delete_document', { id }),
  activity: (search: string | null, document: string | null = null) => call<Activity[]>('activity', { search, document }),

  /** Takes one text: an offer's link, a request's link, or one code of several. */
  scan: (text: string) => call<Scan>('scan', { text }),
  resetScan: () => call<void>('reset_scan'),
  acceptOffer: (code: string | null) => call<DocumentSummary>('accept_offer', { transactionCode: code }),
  discardOffer: () => call<void>('discard_offer'),

  /** Answers the request at hand with another document. */
  chooseDocument: (document: string) => call<Consent>('choose_document', { document }),
  answer: (acceptUnknown: boolean, reuse: boolean) => call<Answer>('answer', { acceptUnknown, reuse }),
  decline: () => call<void>('decline'),
  agencies: () => call<Agency[]>('agencies'),
  services: () => call<Service[]>('services'),
  oneWayConsent: (agency: string, service: string, document: string | null = null) =>
    call<Consent>('one_way_consent', { agency, service, document }),
  oneWayShow: (acceptUnknown: boolean, reuse: boolean) => call<Answer>('one_way_show', { acceptUnknown, reuse }),
  oneWayRedraw: () => call<CodeDrawing[]>('one_way_redraw'),
  /** Drops what is shown. */
  finishShowing: () => call<void>('finish_showing'),
  openRedirect: () => call<void>('open_redirect'),
  takeLink: () => call<string | null>('take_link'),

  onLocked: (heard: () => void): Promise<UnlistenFn> => listen('locked', heard),
  onLink: (heard: () => void): Promise<UnlistenFn> => listen('link', heard),
}
