// Starts one complete stack of our programs, talks to it as its clerks do, and plays citizens with the wallet on the command line.
import { execFile, spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const run = promisify(execFile)
const START_DEADLINE = 120_000
const here = import.meta.dirname

/** Where the built programs are. */
export const programs = path.resolve(process.env.JUMIN_BIN_DIR ?? path.join(here, '../../../target/debug'))

/** Starts a stack; it ends when `stop` is called or this process goes away, however it goes. */
export async function startStack() {
  const child = spawn(path.join(programs, 'jumin-demo'), ['hold'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = lineReader(child)
  const ready = await lines.next(START_DEADLINE)
  const directory = ready.match(/^ready: (.*)$/)?.[1]
  if (!directory) throw new Error(`the stack said: ${ready}`)
  const env = parse(await readFile(path.join(directory, 'env'), 'utf8'))
  return new Stack(child, lines, directory, env)
}

class Stack {
  constructor(child, lines, directory, env) {
    Object.assign(this, { child, lines, directory, env })
    this.console = (method, route, body) => call(env.CONSOLE_URL, method, route, body, env.CONSOLE_TOKEN)
    this.counter = (method, route, body) => call(env.DESK_URL, method, route, body, env.DESK_TOKEN)
  }

  /**
   * Tells the stack to do something: `cut` and `restore` (the network), `kill`, `start` and `restart` (`issuer`,
   * `counter` or `nodes`), `end-accreditation` and `accredit` (`issuer` or `counter`).
   */
  async tell(command) {
    this.child.stdin.write(`${command}\n`)
    const answer = await this.lines.next(START_DEADLINE)
    if (answer !== 'ok') throw new Error(`${command}: ${answer}`)
  }

  /** Ends every process of the stack. */
  async stop() {
    if (this.child.exitCode !== null) return
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.stdin.end()
    await ended
  }

  /** A path in the stack's directory, which goes when the stack ends. */
  path(name) {
    return path.join(this.directory, name)
  }

  /** Residents who may hold a card. */
  async adults(query = '') {
    const { residents } = await this.console('POST', '/v1/residents/search', { query, limit: 50 })
    return residents.filter(({ birthdate }) => {
      const year = Number(birthdate.slice(0, 4))
      return year >= 1940 && year < 2004
    })
  }

  /** Offers a document to a resident (else to some adult): `{ credential_offer_uri, tx_code, … }`. */
  async offer(residentId, configuration = 'resident-card') {
    const resident_id = residentId ?? (await this.adults())[0].id
    return this.console('POST', '/v1/offers', { resident_id, credential_configuration_id: configuration })
  }

  /** Writes the file that tells a wallet's window about this network. */
  async networkFile() {
    const file = this.path('wallet-network.json')
    const trust = JSON.parse(await readFile(this.env.TRUST_FILE, 'utf8'))
    const network = { nodes: this.env.NODE_URLS.split(','), trust, trust_anchors: this.env.JUMIN_TRUST_ANCHORS ?? null }
    await writeFile(file, JSON.stringify(network, null, 2))
    return file
  }

  /** Makes a link that lets one browser use the desk. */
  async signInLink() {
    const { stdout } = await run(program('jumin-counter'), ['sign-in', '--home', this.env.COUNTER_HOME])
    return stdout.trim()
  }

  /** Makes a request at the counter with its command line and gives the picture's path. */
  async counterRequest(service, name = `${service}-request.png`) {
    const picture = this.path(name)
    const home = ['--home', this.env.COUNTER_HOME]
    await run(program('jumin-counter'), ['request', '--service', service, '--out', picture, ...home])
    return picture
  }

  /** Makes a citizen's wallet on the command line. */
  async wallet(name = 'citizen') {
    const wallet = new CommandLineWallet(this, name)
    await wallet.command('init', '--no-keyring', '--node', this.env.NODE_URL, '--trust', this.env.TRUST_FILE)
    return wallet
  }
}

/** The wallet on the command line, to play the citizen where the window is not what is tested. */
class CommandLineWallet {
  constructor(stack, name) {
    this.home = stack.path(`wallet-${name}`)
    this.stack = stack
    this.answers = 0
  }

  /** Runs a command and gives what it printed. */
  async command(...args) {
    const env = { ...process.env, JUMIN_WALLET_PIN: 'sample-passphrase', LANG: 'C.UTF-8' }
    const { stdout } = await run(program('jumin-wallet-cli'), ['--home', this.home, ...args], { env })
    return stdout
  }

  /** Accepts what `stack.offer()` gave. */
  async accept({ credential_offer_uri, tx_code }) {
    return JSON.parse(await this.command('accept', credential_offer_uri, '--tx-code', tx_code, '--yes', '--json'))
  }

  /** Answers a request (its text, a picture of it, or a link): `{ texts, pictures, answer }`. */
  async present(request) {
    return this.#show(['--request', ...[request].flat()])
  }

  /** Shows a document one-way to an office (its DID) for a service. */
  async presentTo(agency, service) {
    return this.#show(['--to', agency, '--service', service])
  }

  async #show(args) {
    const folder = this.stack.path('answers')
    await mkdir(folder, { recursive: true })
    this.answers += 1
    const out = path.join(folder, `${path.basename(this.home)}-${this.answers}.png`)
    const answer = JSON.parse(await this.command('present', ...args, '--yes', '--json', '--text', '--out', out))
    return { answer, texts: answer.frames, pictures: answer.files }
  }
}

function program(name) {
  return path.join(programs, name)
}

async function call(base, method, route, body, token) {
  const headers = { 'content-type': 'application/json' }
  if (token) headers.authorization = `Bearer ${token}`
  const response = await fetch(`${base}${route}`, { method, headers, body: body && JSON.stringify(body) })
  if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${await response.text()}`)
  return response.json()
}

function parse(text) {
  const lines = text.split('\n').filter(Boolean)
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

// One waiting reader at a time: every command is answered by one line.
export function lineReader(child) {
  const read = []
  let waiting
  createInterface({ input: child.stdout }).on('line', (line) => (waiting ? waiting.resolve(line) : read.push(line)))
  child.once('exit', (code) => waiting?.reject(new Error(`the stack ended with ${code}`)))
  return {
    next(deadline) {
      if (read.length > 0) return Promise.resolve(read.shift())
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('the stack does not answer')), deadline)
        waiting = { resolve, reject }
        waiting.resolve = (line) => (clearTimeout(timer), (waiting = undefined), resolve(line))
        waiting.reject = (error) => (clearTimeout(timer), (waiting = undefined), reject(error))
      })
    },
  }
}
