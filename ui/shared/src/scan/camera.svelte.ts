import { readFrame, readStill, warmReader } from './reader'

/**
 * Is where a camera stands. `off` and `paused` are asked for; `asking` waits for the person or the device; `live` reads.
 * `refused`, `absent`, `busy`, `unsupported` and `lost` are what can go wrong, each with its own words in the catalogue.
 */
export type CameraState = 'off' | 'asking' | 'live' | 'paused' | CameraProblem
export const cameraProblems = ['refused', 'absent', 'busy', 'unsupported', 'lost'] as const
export type CameraProblem = (typeof cameraProblems)[number]
export type Facing = 'user' | 'environment'

export interface CameraOptions {
  facing: () => Facing
  /** Takes a text read; the next frame waits for its promise. The same text held in view is told once. */
  onread: (text: string) => void | Promise<void>
}

/** Every this many frames one is read with all that the decoder can try. */
const THOROUGH_EVERY = 6
/** Frames without a code after which the same code counts as shown anew. */
const GONE_AFTER = 12

const problems: Record<string, CameraProblem> = {
  NotAllowedError: 'refused',
  SecurityError: 'refused',
  NotFoundError: 'absent',
  OverconstrainedError: 'absent',
  NotReadableError: 'busy',
  AbortError: 'busy',
}

/** Holds one camera: asks for it, shows it in a video element, reads QR codes from its frames, and lets go of it. */
export class CameraFeed {
  state = $state<CameraState>('off')
  devices = $state<MediaDeviceInfo[]>([])
  device = $state<string | null>(null)
  mirrored = $state(false)

  #stream: MediaStream | null = null
  #video: HTMLVideoElement | null = null
  #canvas = document.createElement('canvas')
  #last: string | null = null
  #frames = 0
  #empty = 0
  /** Numbers the starts: what an earlier one still has under way is dropped. */
  #turn = 0

  constructor(private readonly options: CameraOptions) {}

  /** Is what went wrong, if anything did. */
  get problem(): CameraProblem | null {
    return isProblem(this.state) ? this.state : null
  }

  /** Asks for the camera and reads until stopped; never throws, `state` tells. */
  async start(video: HTMLVideoElement, device: string | null = this.device): Promise<void> {
    this.stop()
    const turn = this.#turn
    this.#video = video
    if (!navigator.mediaDevices?.getUserMedia) return void (this.state = 'unsupported')
    this.state = 'asking'
    try {
      const [stream] = await Promise.all([this.#open(device), warmReader()])
      if (turn !== this.#turn) return release(stream)
      this.#use(stream)
      await video.play()
      if (turn !== this.#turn) return
      this.state = 'live'
      void this.#listDevices()
      this.#next(turn)
    } catch (error) {
      if (turn !== this.#turn) return
      this.stop()
      this.state = problems[(error as Error)?.name] ?? 'busy'
    }
  }

  /** Lets go of the camera: its light goes off. */
  stop(): void {
    this.#turn += 1
    release(this.#stream)
    this.#stream = null
    this.#last = null
    if (this.#video) this.#video.srcObject = null
    this.state = 'off'
  }

  /** Keeps the camera and its picture, and reads nothing. */
  pause(): void {
    if (this.state === 'live') this.state = 'paused'
  }

  /** Reads on; the code in view counts as new. */
  resume(): void {
    this.#last = null
    if (this.state === 'paused') this.state = 'live'
  }

  /** Opens another camera. */
  async choose(device: string): Promise<void> {
    if (this.#video) await this.start(this.#video, device)
  }

  /** Notices cameras plugged in: one that was absent is used at once. Returns what ends the watch. */
  watchDevices(): () => void {
    const changed = async () => {
      await this.#listDevices()
      const back = this.state === 'absent' || this.state === 'lost'
      if (back && this.devices.length > 0 && this.#video) await this.start(this.#video)
    }
    navigator.mediaDevices?.addEventListener?.('devicechange', changed)
    return () => navigator.mediaDevices?.removeEventListener?.('devicechange', changed)
  }

  async #open(device: string | null): Promise<MediaStream> {
    const size = { width: { ideal: 1280 }, height: { ideal: 720 } }
    const ask = (video: MediaTrackConstraints) => navigator.mediaDevices.getUserMedia({ video, audio: false })
    const facing = { ...size, facingMode: { ideal: this.options.facing() } }
    if (!device) return ask(facing)
    try {
      return await ask({ ...size, deviceId: { exact: device } })
    } catch (error) {
      // The camera chosen before is no longer plugged in: any other will do.
      if ((error as Error).name === 'OverconstrainedError' || (error as Error).name === 'NotFoundError') return ask(facing)
      throw error
    }
  }

  #use(stream: MediaStream): void {
    const track = stream.getVideoTracks()[0]
    const settings = track?.getSettings() ?? {}
    this.#stream = stream
    this.device = settings.deviceId ?? null
    // A desktop camera doesn't say which way it looks: then what was asked for is taken.
    this.mirrored = (settings.facingMode ?? this.options.facing()) === 'user'
    track?.addEventListener('ended', () => {
      if (this.#stream !== stream) return
      this.stop()
      this.state = 'lost'
    })
    this.#video!.srcObject = stream
  }

  async #listDevices(): Promise<void> {
    try {
      const all = await navigator.mediaDevices.enumerateDevices()
      this.devices = all.filter((device) => device.kind === 'videoinput' && device.deviceId)
    } catch {
      this.devices = []
    }
  }

  /** Waits for the next frame that was really drawn, then reads it. */
  #next(turn: number): void {
    const video = this.#video
    if (turn !== this.#turn || !video) return
    const step = () => void this.#frame(turn)
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(step)
    else requestAnimationFrame(step)
  }

  async #frame(turn: number): Promise<void> {
    if (turn !== this.#turn) return
    try {
      if (this.state === 'live') await this.#look(turn)
    } finally {
      this.#next(turn)
    }
  }

  async #look(turn: number): Promise<void> {
    const image = this.#pixels()
    if (!image) return
    this.#frames += 1
    const text = await (this.#frames % THOROUGH_EVERY === 0 ? readStill(image) : readFrame(image))
    if (turn !== this.#turn || this.state !== 'live') return
    if (!text) {
      this.#empty += 1
      if (this.#empty >= GONE_AFTER) this.#last = null
      return
    }
    this.#empty = 0
    if (text === this.#last) return
    this.#last = text
    await this.options.onread(text)
  }

  #pixels(): ImageData | null {
    const { videoWidth: width, videoHeight: height } = this.#video!
    if (!width || !height) return null
    if (this.#canvas.width !== width) this.#canvas.width = width
    if (this.#canvas.height !== height) this.#canvas.height = height
    const context = this.#canvas.getContext('2d', { willReadFrequently: true })
    context?.drawImage(this.#video!, 0, 0, width, height)
    return context?.getImageData(0, 0, width, height) ?? null
  }
}

function isProblem(state: CameraState): state is CameraProblem {
  return cameraProblems.includes(state as CameraProblem)
}

function release(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop()
}
