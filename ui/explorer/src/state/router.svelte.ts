/** The screens; what follows `#/`. */
export type Route =
  | { screen: 'overview' }
  | { screen: 'blocks'; before: number | null }
  | { screen: 'block'; height: number }
  | { screen: 'operation'; hash: string }
  | { screen: 'did'; did: string }
  | { screen: 'accreditations' }
  | { screen: 'check'; record: string }
  | { screen: 'unknown' }

const decode = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

const height = (text: string | null | undefined): number | null =>
  text && /^\d{1,15}$/.test(text) ? Number(text) : null

/** Reads the hash of an address. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?')
  const [screen, id, ...more] = path.split('/').map(decode)
  const values = new URLSearchParams(search)
  if (more.length > 0) return { screen: 'unknown' }
  if (!screen) return { screen: 'overview' }
  if (screen === 'blocks') {
    if (!id) return { screen, before: height(values.get('before')) }
    const at = height(id)
    return at === null ? { screen: 'unknown' } : { screen: 'block', height: at }
  }
  if (screen === 'operations' && id) return { screen: 'operation', hash: id }
  if (screen === 'dids' && id) return { screen: 'did', did: id }
  if (screen === 'accreditations' && !id) return { screen }
  if (screen === 'check' && !id) return { screen, record: values.get('record') ?? '' }
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
  blocks: (before: number | null = null) => (before === null ? '#/blocks' : `#/blocks?before=${before}`),
  block: (at: number) => `#/blocks/${at}`,
  operation: (hash: string) => `#/operations/${encodeURIComponent(hash)}`,
  did: (did: string) => `#/dids/${encodeURIComponent(did)}`,
  accreditations: '#/accreditations',
  check: (record = '') => (record ? `#/check?record=${encodeURIComponent(record)}` : '#/check'),
}

/** Goes to a screen. */
export function go(to: string): void {
  window.location.hash = to
}

const DID = /^did:jumin:[a-z0-9-]{1,24}:[a-z2-7]{52}$/
const HASH = /^[\w-]{43}$/

/** Finds the screen that a search text names: a height, an operation's hash, a DID or a DID's key. */
export function found(text: string): string | null {
  const wanted = text.trim().split('#')[0]!.replaceAll(',', '')
  if (DID.test(wanted)) return address.did(wanted)
  const at = height(wanted)
  if (at !== null) return address.block(at)
  return HASH.test(wanted) ? address.operation(wanted) : null
}
