// Finds programs that run, as /proc tells.
import { readFile, readdir } from 'node:fs/promises'

/** Finds the process that runs `program` with exactly these arguments: its id, or nothing. */
export async function findProcess(program, args) {
  const wanted = [program, ...args].join('\0')
  for (const id of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')
    if (command.replace(/\0$/, '') === wanted) return id
  }
  return undefined
}

/** When a process was started, in milliseconds since 1970, to a hundredth of a second. */
export async function startOf(id) {
  const TICKS_PER_SECOND = 100
  const fields = (await readFile(`/proc/${id}/stat`, 'utf8')).split(') ')[1].split(' ')
  const uptime = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0])
  // proc(5): field 22, of which the name and the id before it are cut off.
  return Date.now() - (uptime - Number(fields[19]) / TICKS_PER_SECOND) * 1000
}
