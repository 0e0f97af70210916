import { PICTURE_TYPES } from './picture'

/** Finds the first picture among what was dropped or pasted. */
export function pictureIn(data: DataTransfer | null): File | null {
  const files = [...(data?.files ?? [])]
  return files.find((file) => PICTURE_TYPES.includes(file.type)) ?? files[0] ?? null
}

/** Finds the text or link among what was dropped or pasted; one link where there are several. */
export function linkIn(data: DataTransfer | null): string | null {
  const list = data?.getData('text/uri-list') ?? ''
  const link = list.split(/\r?\n/).find((line) => line.trim() && !line.startsWith('#'))
  return (link ?? data?.getData('text/plain') ?? '').trim() || null
}
