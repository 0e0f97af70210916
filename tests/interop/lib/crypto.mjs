// ES256 and SHA-256 for the foreign libraries, by node:crypto; JWE by jose.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { CompactEncrypt, importJWK } from 'jose'

export function generateKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateJwk: privateKey.export({ format: 'jwk' }), publicJwk: publicKey.export({ format: 'jwk' }) }
}

// Reading a key costs more than using it once.
const known = { private: new Map(), public: new Map() }

function remembered(kind, jwk, read) {
  if (!known[kind].has(jwk.x)) known[kind].set(jwk.x, read({ key: jwk, format: 'jwk' }))
  return known[kind].get(jwk.x)
}

export function signEs256(data, privateJwk) {
  const key = remembered('private', privateJwk, createPrivateKey)
  return sign('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
}

export function verifyEs256(data, signature, publicJwk) {
  const key = remembered('public', publicJwk, createPublicKey)
  return verify('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))
}

export function sha256(data) {
  const bytes = typeof data === 'string' ? data : Buffer.from(data)
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}

export function salt(length) {
  return randomBytes(length).toString('base64url')
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The callbacks of the @openid4vc libraries; `holder` is the wallet's key, `resolve` finds the key of a DID URL. */
export function callbacks({ holder, resolve, clientAuthentication }) {
  return {
    fetch: globalThis.fetch,
    hash: (data, algorithm) => new Uint8Array(createHash(algorithm.replace('-', '')).update(data).digest()),
    generateRandom: (length) => new Uint8Array(randomBytes(length)),
    signJwt: (signer, { header, payload }) => {
      const data = `${encode(header)}.${encode(payload)}`
      return { jwt: `${data}.${signEs256(data, holder.privateJwk)}`, signerJwk: holder.publicJwk }
    },
    verifyJwt: async (signer, { compact }) => {
      const [header, payload, signature] = compact.split('.')
      const signerJwk = signer.method === 'did' ? await resolve(signer.didUrl) : signer.publicJwk
      if (!signerJwk) return { verified: false }
      return { verified: verifyEs256(`${header}.${payload}`, signature, signerJwk), signerJwk }
    },
    encryptJwe: async ({ publicJwk, alg, enc, apu, apv }, data) => {
      const header = { alg, enc, kid: publicJwk.kid, ...(apu && { apu }), ...(apv && { apv }) }
      const jwe = new CompactEncrypt(new TextEncoder().encode(data)).setProtectedHeader(header)
      return { jwe: await jwe.encrypt(await importJWK(publicJwk, alg)), encryptionJwk: publicJwk }
    },
    decryptJwe: () => ({ decrypted: false }),
    clientAuthentication,
  }
}
