// Measures the npm SD-JWT VC library on the input that `jumin-bench` writes, and prints rows of JSON.
import { readFile } from 'node:fs/promises'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { salt, sha256, signEs256, verifyEs256 } from './lib/crypto.mjs'

const ROUNDS = 41
const BATCH = 5
const input = JSON.parse(await readFile(process.argv[2], 'utf8'))

const instance = new SDJwtVcInstance({
  hasher: sha256,
  hashAlg: 'sha-256',
  saltGenerator: salt,
  signAlg: 'ES256',
  signer: (data) => signEs256(data, input.issuer_private_jwk),
  verifier: (data, signature) => verifyEs256(data, signature, input.issuer_jwk),
  kbVerifier: (data, signature, payload) => verifyEs256(data, signature, payload.cnf.jwk),
  // The measured verification has its status list at hand, as ours has.
  statusListFetcher: undefined,
})
instance.verifyStatus = async () => undefined

const frame = {}
for (const pointer of input.pointers) {
  const names = pointer.split('/').slice(1)
  const last = names.pop()
  const level = names.reduce((at, name) => (at[name] ??= {}), frame)
  level._sd = [...(level._sd ?? []), last]
}

async function medianMicroseconds(call) {
  for (let i = 0; i < 20; i++) await call()
  const times = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint()
    for (let i = 0; i < BATCH; i++) await call()
    times.push(Number(process.hrtime.bigint() - start) / 1e3 / BATCH)
  }
  return times.sort((a, b) => a - b)[ROUNDS >> 1]
}

const who = 'npm @sd-jwt/sd-jwt-vc'
const verify = () => instance.verify(input.presentation, { keyBindingNonce: input.nonce })
const sign = () => instance.issue({ ...input.claims, cnf: { jwk: input.holder_jwk } }, frame)
const row = async (path, call) => ({
  path, who, unit: 'µs', value: await medianMicroseconds(call), bound: null, ratio: null,
})
console.log(JSON.stringify([await row('verify', verify), await row('sign', sign)]))
