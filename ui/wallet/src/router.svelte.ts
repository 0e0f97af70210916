import type { AppState, Consent, Offer } from '@jumin/shared/types/wallet.ts'

/** Is a screen with what it needs. Nothing of it is in the address: names and links stay out of history. */
export type Route =
  | { name: 'first-start' }
  | { name: 'network' }
  | { name: 'unlock' }
  | { name: 'unusable' }
  | { name: 'home' }
  | { name: 'card'; id: string }
  /** `text`: an offer's link that arrived. `offer`: one that another screen has scanned already. */
  | { name: 'accept'; text?: string; offer?: Offer }
  /** `text`: a request's link that arrived. `consent`: a request that another screen has scanned already. */
  | { name: 'present'; text?: string; consent?: Consent }
  | { name: 'activity' }
  | { name: 'settings' }

interface Entry {
  id: number
  route: Route
}
let count = 0
const entry = (route: Route): Entry => ({ id: ++count, route })
let stack = $state.raw<Entry[]>([entry({ name: 'home' })])

const entrance: Record<AppState['state'], Route> = {
  no_network: { name: 'first-start' },
  new: { name: 'first-start' },
  locked: { name: 'unlock' },
  unlocked: { name: 'home' },
  unusable: { name: 'unusable' },
}
const requests = ['openid4vp:', 'haip-vp:']

/** The stack of screens; the last one is in view. Every entry has its own `id`, so that a screen never sees another's state. */
export const router = {
  get id(): number {
    return stack.at(-1)!.id
  },
  get current(): Route {
    return stack.at(-1)!.route
  },
  get canGoBack(): boolean {
    return stack.length > 1
  },
  go(route: Route): void {
    stack = [...stack, entry(route)]
  },
  replace(route: Route): void {
    stack = [...stack.slice(0, -1), entry(route)]
  },
  back(): void {
    if (stack.length > 1) stack = stack.slice(0, -1)
  },
  /** Leaves all screens but one: a tab, or the end of a flow. */
  reset(route: Route = { name: 'home' }): void {
    stack = [entry(route)]
  },
  /** Goes where the wallet's state leads. */
  enter(state: AppState['state']): void {
    stack = [entry(entrance[state])]
  },
  /** Opens a link that arrived from outside, over home. */
  open(link: string): void {
    const name = requests.some((scheme) => link.toLowerCase().startsWith(scheme)) ? 'present' : 'accept'
    stack = [entry({ name: 'home' }), entry({ name, text: link })]
  },
}
