/** The screens; what follows `#/`. Names never stand in an address, ids do. */
export type Route =
  | { screen: 'overview' }
  | { screen: 'residents' }
  | { screen: 'resident'; id: string }
  | { screen: 'offer'; id: string }
  | { screen: 'credentials'; resident: string }
  | { screen: 'credential'; id: string }
  | { screen: 'audit' }
  | { screen: 'agency' }
  | { screen: 'unknown' }

const decode = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** Reads the hash of an address. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?')
  const [screen, id, ...more] = path.split('/').map(decode)
  if (more.length > 0) return { screen: 'unknown' }
  if (!screen) return { screen: 'overview' }
  if (screen === 'residents') return id ? { screen: 'resident', id } : { screen }
  if (screen === 'offers' && id) return { screen: 'offer', id }
  if (screen === 'credentials') {
    if (id) return { screen: 'credential', id }
    return { screen, resident: new URLSearchParams(search).get('resident') ?? '' }
  }
  if ((screen === 'audit' || screen === 'agency') && !id) return { screen }
  return { screen: 'unknown' }
}

let current = $state<Route>(parseRoute(window.location.hash))
let moves = $state(0)

window.addEventListener('hashchange', () => {
  current = parseRoute(window.location.hash)
  moves += 1
})

/** Returns the screen to show; reactive. */
export const route = (): Route => current

/** Counts navigations: zero until the first one, so that loading the page doesn't take the focus. */
export const navigations = (): number => moves

/** Writes the address of a screen. */
export const address = {
  overview: '#/',
  residents: '#/residents',
  resident: (id: string) => `#/residents/${encodeURIComponent(id)}`,
  offer: (id: string) => `#/offers/${encodeURIComponent(id)}`,
  credentials: (resident = '') => (resident ? `#/credentials?resident=${encodeURIComponent(resident)}` : '#/credentials'),
  credential: (id: string) => `#/credentials/${encodeURIComponent(id)}`,
  audit: '#/audit',
  agency: '#/agency',
}

/** Goes to a screen. */
export function go(to: string): void {
  window.location.hash = to
}
