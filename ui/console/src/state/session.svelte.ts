import { ApiError, api, listen } from '../api'
import { network } from './network.svelte'

/** `asking`: not known yet; `none`: signed out; `open`; `lost`: ended under an open page, which is kept as it is. */
export type SessionState = 'asking' | 'none' | 'open' | 'lost'
export type Ending = 'idle' | 'expired' | 'out' | ''

let state = $state<SessionState>('asking')
let account = $state('')
let noAccount = $state(false)
let ending = $state<Ending>('')
let generation = $state(0)
let forgetters: (() => void)[] = []

function open(name: string): void {
  // Another clerk starts from a clean page, the same one continues where they were.
  if (account && account !== name) clean()
  account = name
  state = 'open'
  ending = ''
  noAccount = false
}

function clean(): void {
  generation += 1
  forgetters.forEach((forget) => forget())
}

listen({
  unauthorized(code) {
    noAccount = code === 'no_account'
    if (state === 'open') {
      state = 'lost'
      ending = ending || 'expired'
      forgetters.forEach((forget) => forget())
    } else if (state === 'asking') state = 'none'
  },
  unreachable: () => network.lost(),
  reachable: () => network.works(),
})

export const session = {
  get state() {
    return state
  },
  get account() {
    return account
  },
  get noAccount() {
    return noAccount
  },
  get ending() {
    return ending
  },
  /** Changes when everything on the page has to go. */
  get generation() {
    return generation
  },
  /** Registers what drops codes and other things that mustn't outlive a session. */
  onEnd(forget: () => void) {
    forgetters = [...forgetters, forget]
  },
  /** Asks the server who is signed in; an unreachable server leaves the question open. */
  async ask(): Promise<void> {
    try {
      open((await api.session()).account)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status >= 500) state = 'none'
    }
  },
  async signIn(name: string, password: string): Promise<void> {
    open((await api.signIn(name, password)).account)
  },
  async signOut(): Promise<void> {
    await api.signOut().catch(() => {})
    state = 'none'
    ending = 'out'
    account = ''
    clean()
  },
  /** Ends an idle session and keeps the page behind the sign-in. */
  async endIdle(): Promise<void> {
    ending = 'idle'
    state = 'lost'
    forgetters.forEach((forget) => forget())
    await api.signOut().catch(() => {})
  },
}
