// Starts one complete stack of our programs and talks to its console and counter.
import { spawn, execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const here = path.dirname(new URL(import.meta.url).pathname)
const programs = process.env.JUMIN_BIN_DIR ?? path.resolve(here, '../../../target/debug')
const demo = path.join(programs, 'jumin-demo')

/** Starts a stack; it ends when `stop` is called or this process goes away. */
export async function startStack() {
  const child = spawn(demo, ['hold'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const directory = await new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const ready = line.match(/^ready: (.*)$/)
      if (ready) resolve(ready[1])
    })
    child.on('exit', (code) => reject(new Error(`the stack ended with ${code}`)))
  })
  const text = await readFile(path.join(directory, 'env'), 'utf8')
  const env = Object.fromEntries(
    text.split('\n').filter(Boolean).map((line) => {
      const at = line.indexOf('=')
      return [line.slice(0, at), line.slice(at + 1)]
    }),
  )
  return {
    directory,
    env,
    async stop() {
      const ended = new Promise((resolve) => child.on('exit', resolve))
      child.stdin.end()
      await ended
    },
  }
}

/** Calls the issuer's console API. */
export async function consoleApi(stack, method, route, body) {
  const response = await fetch(`${stack.env.CONSOLE_URL}${route}`, {
    method,
    headers: {
      authorization: `Bearer ${stack.env.CONSOLE_TOKEN}`,
      'content-type': 'application/json',
    },
    body: body && JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`)
  return response.json()
}

/** Calls the desk's API. */
export async function counterApi(stack, method, route, body) {
  const response = await fetch(`${stack.env.DESK_URL}${route}`, {
    method,
    headers: {
      authorization: `Bearer ${stack.env.DESK_TOKEN}`,
      'content-type': 'application/json',
    },
    body: body && JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`)
  return response.json()
}

/** Offers a resident registration card to an adult resident. */
export async function offerCard(stack) {
  const search = { query: '', limit: 50 }
  const { residents } = await consoleApi(stack, 'POST', '/v1/residents/search', search)
  const adult = residents.find((resident) => {
    const year = Number((resident.birthdate ?? resident.birth_date ?? '').slice(0, 4))
    return year > 1940 && year < 2004
  })
  return consoleApi(stack, 'POST', '/v1/offers', {
    resident_id: adult.id,
    credential_configuration_id: 'resident-card',
  })
}

/** Runs our wallet on the command line, in a home of its own. */
export async function wallet(stack, ...args) {
  const home = path.join(stack.directory, 'interop-wallet')
  const { stdout } = await run(path.join(programs, 'jumin-wallet-cli'), ['--home', home, ...args], {
    env: { ...process.env, JUMIN_WALLET_PIN: 'sample-passphrase' },
  })
  return stdout
}

/** Decodes the QR pictures of a presentation to its vp_token (JSON). */
export async function decodeQr(stack, ...pictures) {
  const { stdout } = await run(demo, ['decode', '--issuer', stack.env.ISSUER_URL, ...pictures])
  return JSON.parse(stdout)
}

/** Looks a signing key up in a DID document, as any DID resolver would. */
export async function keyOfDidUrl(stack, didUrl) {
  const did = didUrl.split('#')[0]
  const response = await fetch(`${stack.env.NODE_URL}/1.0/identifiers/${did}`, {
    headers: { accept: 'application/did-resolution' },
  })
  const { didDocument } = await response.json()
  const method = didDocument.verificationMethod.find(
    ({ id }) => id === didUrl || `${did}${id}` === didUrl,
  )
  return method.publicKeyJwk
}
