// The wallet's pages with a mock in the program's place, served under the window's own policy.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..', '..', '..')
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.wasm': 'application/wasm' }

/** Builds and serves the mock; `address(query)` is a page of it (see ui/wallet/src/dev/mock.ts). */
export async function startMock() {
  const folder = await mkdtemp(join(tmpdir(), 'jumin-mock-'))
  const vite = join(root, 'ui', 'node_modules', 'vite', 'bin', 'vite.js')
  await promisify(execFile)(process.execPath, [vite, 'build', '--mode', 'mock', '--outDir', folder, '--emptyOutDir'], { cwd: join(root, 'ui', 'wallet') })
  const { app } = JSON.parse(await readFile(join(root, 'wallet-app', 'tauri.conf.json'), 'utf8'))
  const server = createServer(async (request, answer) => {
    const path = normalize(new URL(request.url, 'http://localhost').pathname)
    const body = await readFile(join(folder, path === '/' ? 'index.html' : path)).catch(() => null)
    answer.writeHead(body ? 200 : 404, { 'content-type': TYPES[extname(path) || '.html'] ?? 'application/octet-stream', 'content-security-policy': app.security.csp })
    answer.end(body)
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    address: (query) => `http://127.0.0.1:${server.address().port}/?${new URLSearchParams(query)}`,
    async stop() {
      server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
