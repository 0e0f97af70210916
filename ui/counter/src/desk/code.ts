/** Digits in base45 of the message's name (8 bytes) at the head of a frame, after `JM1/`. */
const NAME = 12

/** Takes off what scanners add: line ends and the AIM identifier; capitals where a scanner has Caps Lock on. */
export function cleaned(text: string): string {
  const bare = text.replace(/^\][A-Za-z]\d/, '').replace(/^[\r\n\t\0]+|[\r\n\t\0]+$/g, '')
  return /^jm\d[:/]/.test(bare) ? bare.toUpperCase() : bare
}

/** Tells whether a text is in the form of our codes, of any version: anything else is somebody else's. */
export function isOurs(text: string): boolean {
  return /^JM\d[:/]/.test(text)
}

/** Names the message that a code carries, so that moving frames of one message count as one. */
export function messageOf(text: string): string {
  return text.startsWith('/', 3) ? text.slice(0, 4 + NAME) : text
}
