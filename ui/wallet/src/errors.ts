import { clock, has, t } from '@jumin/shared'
import type { WalletError } from './wallet'

/** A wait is told as a clock shows it. */
const told = (values: WalletError['values']) => ('seconds' in values ? { ...values, time: clock(Number(values.seconds)) } : values)
const known = (code: string) => (has(`error.${code}.title`) ? code : 'internal')

/** Says what happened, in the citizen's words. */
export function errorTitle({ code, values }: Pick<WalletError, 'code' | 'values'>): string {
  return t(`error.${known(code)}.title`, told(values))
}

/** Says what to do about it. */
export function errorDo({ code, values }: Pick<WalletError, 'code' | 'values'>): string {
  return t(`error.${known(code)}.do`, told(values))
}
