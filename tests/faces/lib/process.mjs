// Finds programs that run, as /proc tells.
import { readFile, readdir } from 'node:fs/promises'

/** Finds the process that runs `program` with exactly these arguments on a display: its id, or nothing. */
export async function findProcess(program, args, display) {
  const wanted = [program, ...args].join('\0')
  for (const id of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [command, variables] = await Promise.all([read(id, 'cmdline'), read(id, 'environ')])
    if (command.replace(/\0$/, '') !== wanted) continue
    // A program that holds keys keeps its variables from everybody but root; its home among the arguments tells it apart.
    if (variables === '' || variables.split('\0').includes(`DISPLAY=${display}`)) return id
  }
  return undefined
}

// What has ended on the way, or belongs to somebody else, says nothing.
function read(id, what) {
  return readFile(`/proc/${id}/${what}`, 'utf8').catch(() => '')
}

/** Whether a process has ended with all its threads: only then all its connections are closed. */
export async function hasEnded(id) {
  const stat = await read(id, 'stat')
  if (stat === '') return true
  const threads = await readdir(`/proc/${id}/task`).catch(() => [])
  return stat.split(') ')[1].startsWith('Z') && threads.length <= 1
}

/** When a process was started, in milliseconds since 1970, to a hundredth of a second. */
export async function startOf(id) {
  const TICKS_PER_SECOND = 100
  const fields = (await readFile(`/proc/${id}/stat`, 'utf8')).split(') ')[1].split(' ')
  const uptime = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0])
  // proc(5): field 22, of which the name and the id before it are cut off.
  return Date.now() - (uptime - Number(fields[19]) / TICKS_PER_SECOND) * 1000
}
