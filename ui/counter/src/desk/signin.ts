import { api, Refused } from './api'

const LINK = /^#sign-in\/([\w-]{1,64})$/

/** Whether the address is a sign-in link that was not taken yet. */
export const isLink = () => LINK.test(location.hash)

/**
 * Lets this browser in if the address is a sign-in link. Returns what came of it: `none` for any other address, `over` for a
 * link that was opened before or is too old.
 */
export async function signInByLink(): Promise<'none' | 'in' | 'over' | 'unreachable'> {
  const code = LINK.exec(location.hash)?.[1]
  if (!code) return 'none'
  // Out of the address before all else: it is kept in the browser's history.
  history.replaceState(null, '', location.pathname)
  try {
    await api.signIn(code)
    return 'in'
  } catch (error) {
    return error instanceof Refused ? 'over' : 'unreachable'
  }
}
