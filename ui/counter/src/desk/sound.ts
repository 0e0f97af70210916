import type { Kind } from './verdict'

type Note = [hertz: number, from: number, seconds: number]

/** Rising and bright, falling and low, or twice the same: told apart without looking. */
const tunes: Record<Kind, { shape: OscillatorType; notes: Note[] }> = {
  valid: { shape: 'sine', notes: [[880, 0, 0.12], [1318, 0.13, 0.22]] },
  refused: { shape: 'square', notes: [[233, 0, 0.22], [165, 0.26, 0.38]] },
  unknown: { shape: 'triangle', notes: [[523, 0, 0.14], [523, 0.24, 0.14], [523, 0.48, 0.14]] },
}
const LOUD = { sine: 0.25, square: 0.08, triangle: 0.25 } as Record<OscillatorType, number>

let context: AudioContext | null = null

/** Readies the sound; browsers allow it only from a click or key. */
export function readySound(): void {
  try {
    context ??= new AudioContext()
    void context.resume()
  } catch {
    context = null
  }
}

/** Plays the tune of a verdict. */
export function play(kind: Kind): void {
  if (!context) readySound()
  if (!context || context.state !== 'running') return
  const { shape, notes } = tunes[kind]
  for (const note of notes) tone(context, shape, note)
}

function tone(audio: AudioContext, shape: OscillatorType, [hertz, from, seconds]: Note): void {
  const oscillator = audio.createOscillator()
  const volume = audio.createGain()
  const start = audio.currentTime + from
  oscillator.type = shape
  oscillator.frequency.value = hertz
  // Ramps, so that it does not click.
  volume.gain.setValueAtTime(0, start)
  volume.gain.linearRampToValueAtTime(LOUD[shape] ?? 0.2, start + 0.015)
  volume.gain.setValueAtTime(LOUD[shape] ?? 0.2, start + seconds - 0.03)
  volume.gain.linearRampToValueAtTime(0, start + seconds)
  oscillator.connect(volume).connect(audio.destination)
  oscillator.start(start)
  oscillator.stop(start + seconds)
}
