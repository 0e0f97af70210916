// The foreign SD-JWT VC library set up for our credentials.
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { keyOfDidUrl } from './stack.mjs'
import { salt, sha256, signEs256, verifyEs256 } from './crypto.mjs'

const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString())

/** Verifies signature, disclosures, validity, key binding and status with the issuer's key from the ledger. */
export function foreignVerifier(stack, holder) {
  const byKid = async (data, signature) => {
    const { kid } = decode(data.split('.')[0])
    return verifyEs256(data, signature, await keyOfDidUrl(stack, kid))
  }
  return new SDJwtVcInstance({
    hasher: sha256,
    hashAlg: 'sha-256',
    saltGenerator: salt,
    signAlg: 'ES256',
    verifier: byKid,
    statusVerifier: byKid,
    statusListFetcher: async (uri) => {
      const response = await fetch(uri, { headers: { accept: 'application/statuslist+jwt' } })
      return response.text()
    },
    kbVerifier: (data, signature, payload) => verifyEs256(data, signature, payload.cnf.jwk),
    kbSigner: holder && ((data) => signEs256(data, holder.privateJwk)),
    kbSignAlg: 'ES256',
  })
}
