import type { Credential } from '@jumin/shared/types/console.ts'

const plain = (text: string) => text.normalize('NFC').trim().toLowerCase()

/** Says whether what was typed names this document: the last four characters of its id, or the resident's name. */
export function confirms(typed: string, { id, resident_name }: Pick<Credential, 'id' | 'resident_name'>): boolean {
  const text = plain(typed)
  return text !== '' && (text === plain(id.slice(-4)) || text === plain(resident_name))
}
