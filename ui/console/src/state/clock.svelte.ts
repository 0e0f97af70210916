const local = () => Math.floor(Date.now() / 1000)

/** Seconds since 1970 by this machine's clock, moving while somebody looks. */
let seconds = $state(local())
/** How far the issuer's clock is ahead of this machine's, in seconds: a desk's clock may be wrong. */
let ahead = $state(0)
setInterval(() => (seconds = local()), 500)

/** Returns the issuer's time, seconds since 1970; reactive, by the second. */
export const now = (): number => seconds + ahead

/** Returns this machine's time for spans that it alone measures; reactive, by the second. */
export const localNow = (): number => seconds

/** Learns the issuer's time from the `Date` of an answer. */
export function setClock(date: string | null): void {
  const at = Date.parse(date ?? '') / 1000
  if (!Number.isFinite(at)) return
  const difference = Math.round(at - Date.now() / 1000)
  // A second or two are the way there and back.
  if (Math.abs(difference - ahead) > 2) ahead = Math.abs(difference) > 2 ? difference : 0
}
