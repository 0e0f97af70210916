// A citizen's desktop for the wallet's window: display, session bus, keyring and WebDriver, all its own and thrown away.
import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { programs } from './stack.mjs'
import { openWindow } from './window.mjs'

const START_DEADLINE = 60_000

/** Starts a desktop; `keyring: false` for one without a Secret Service. It ends with this process at the latest. */
export async function startDesktop({ keyring = true } = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'jumin-desktop-'))
  const env = await environment(folder)
  const port = await freePort()
  const script = path.join(import.meta.dirname, 'desktop.sh')
  const args = ['--', script, String(port), keyring ? 'keyring' : 'plain']
  // The bus and the web view chatter; what they say matters only when the desktop does not start.
  const log = path.join(folder, 'log')
  const output = await open(log, 'w')
  const child = spawn('dbus-run-session', args, { env, stdio: ['pipe', 'pipe', output.fd] })
  await output.close()
  const ready = await firstLine(child).catch(async (error) => {
    throw new Error(`${error.message}:\n${await readFile(log, 'utf8')}`)
  })
  const [, display, bus] = ready.match(/^ready: (\S+) (\S+)$/) ?? []
  if (!display) throw new Error(`the desktop said: ${ready}`)
  const session = { ...env, DISPLAY: display, DBUS_SESSION_BUS_ADDRESS: bus }
  return new Desktop(child, folder, `http://127.0.0.1:${port}`, session)
}

class Desktop {
  constructor(child, folder, driverUrl, env) {
    Object.assign(this, { child, folder, driverUrl, env })
    this.windows = new Set()
  }

  /** The folder of a wallet on this desktop. */
  home(name = 'wallet') {
    return path.join(this.folder, name)
  }

  /** Opens the wallet's window with its program's arguments. */
  async open(...args) {
    const window = await openWindow(this.driverUrl, this.env.DISPLAY, path.join(programs, 'jumin-wallet'), args)
    this.windows.add(window)
    return window
  }

  /** Starts the wallet's program beside an open window, as a click on a link does: `{ code, stderr }` when it ended. */
  start(...args) {
    const program = path.join(programs, 'jumin-wallet')
    return new Promise((resolve) => {
      execFile(program, args, { env: this.env, timeout: 30_000 }, (error, stdout, stderr) =>
        resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr }),
      )
    })
  }

  /** Ends windows, keyring, display and bus, and removes the folder. */
  async stop() {
    for (const window of this.windows) await window.close().catch(() => {})
    if (this.child.exitCode === null) {
      const ended = new Promise((resolve) => this.child.once('exit', resolve))
      this.child.stdin.end()
      await ended
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}

async function environment(folder) {
  const names = { HOME: 'home', XDG_RUNTIME_DIR: 'run', XDG_DATA_HOME: 'data', XDG_CONFIG_HOME: 'config', XDG_CACHE_HOME: 'cache' }
  const env = { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'Asia/Seoul', NO_AT_BRIDGE: '1', GIO_USE_VFS: 'local' }
  for (const [variable, name] of Object.entries(names)) {
    env[variable] = path.join(folder, name)
    await mkdir(env[variable], { mode: 0o700 })
  }
  for (const variable of ['DISPLAY', 'WAYLAND_DISPLAY', 'DBUS_SESSION_BUS_ADDRESS', 'GNOME_KEYRING_CONTROL', 'JUMIN_WALLET_HOME', 'JUMIN_NETWORK']) {
    delete env[variable]
  }
  // What tells a Tauri window that it may be driven.
  return { ...env, TAURI_AUTOMATION: 'true', TAURI_WEBVIEW_AUTOMATION: 'true' }
}

function firstLine(child) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the desktop does not start')), START_DEADLINE)
    createInterface({ input: child.stdout }).once('line', (line) => (clearTimeout(timer), resolve(line)))
    child.once('exit', (code) => (clearTimeout(timer), reject(new Error(`the desktop ended with ${code}`))))
  })
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
