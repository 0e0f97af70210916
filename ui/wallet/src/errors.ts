import { has, t } from '@jumin/shared'
import type { WalletError } from './wallet'

const known = (code: string) => (has(`error.${code}.title`) ? code : 'internal')

/** Says what happened, in the citizen's words. */
export function errorTitle({ code, values }: Pick<WalletError, 'code' | 'values'>): string {
  return t(`error.${known(code)}.title`, values)
}

/** Says what to do about it. */
export function errorDo({ code, values }: Pick<WalletError, 'code' | 'values'>): string {
  return t(`error.${known(code)}.do`, values)
}
