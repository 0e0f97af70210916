// Starts a ledger alone, with agencies that accredited each other, for the explorer's page.
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { lineReader, programs } from './stack.mjs'

const DEADLINE = 240_000

/** Starts a ledger; it ends when `stop` is called or this process goes away, however it goes. */
export async function startLedger(validators = 4) {
  const arguments_ = ['ledger', '--validators', String(validators)]
  const child = spawn(path.join(programs, 'jumin-demo'), arguments_, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = lineReader(child)
  const ready = await lines.next(DEADLINE)
  const directory = ready.match(/^ready: (.*)$/)?.[1]
  if (!directory) throw new Error(`the ledger said: ${ready}`)
  const { nodes, trust, agencies } = JSON.parse(await readFile(path.join(directory, 'ledger.json'), 'utf8'))
  return {
    nodes,
    /** The trust file's path. */
    trust,
    /** The agencies' DIDs by name. */
    agencies,
    url: nodes[0],
    path: (name) => path.join(directory, name),
    /** Asks a node. */
    async get(route, node = nodes[0]) {
      const response = await fetch(`${node}/${route}`)
      if (!response.ok) throw new Error(`${route}: ${response.status}`)
      return response.json()
    },
    /** `kill N` and `start N` (a node), `end NAME` (what an agency may accredit), `more COUNT` (agencies). */
    async tell(command) {
      child.stdin.write(`${command}\n`)
      const answer = await lines.next(DEADLINE)
      if (answer !== 'ok') throw new Error(`${command}: ${answer}`)
    },
    async stop() {
      if (child.exitCode !== null) return
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.stdin.end()
      await ended
    },
  }
}
