import { has, t } from '@jumin/shared'
import { ApiError } from './api'

/** Every code that has a text of its own; a test compares them with the catalogues. */
export const PROBLEMS = [
  'aborted',
  'answer_not_json',
  'bad_reason',
  'body_too_large',
  'busy',
  'internal',
  'limit_too_large',
  'malformed_json',
  'malformed_request',
  'method_not_allowed',
  'no_account',
  'not_found',
  'not_json',
  'query_too_long',
  'resident_too_young',
  'resident_without_address',
  'status_change_not_allowed',
  'timeout',
  'too_many_residents',
  'too_many_tries',
  'unauthorized',
  'unknown_credential_configuration',
  'unreachable',
  'wrong_credentials',
  'wrong_host',
  'wrong_origin',
] as const

/** Says in words what went wrong; a code without words is shown as it is, for whoever helps the clerk. */
export function problemText(error: unknown): string {
  const code = error instanceof ApiError ? error.code : 'unknown'
  return has(`problem.${code}`) ? t(`problem.${code}`) : t('problem.unknown', { code })
}

/** Says whether trying the same again can help. */
export function worthRetrying(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 0 || error.status >= 500 || error.status === 429
}
