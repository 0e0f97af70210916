import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { clientAuthenticationAnonymous } from '@openid4vc/oauth2'
import { Openid4vpClient } from '@openid4vc/openid4vp'
import { foreignVerifier } from './lib/credential.mjs'
import { callbacks, generateKey, salt } from './lib/crypto.mjs'
import { obtain } from './lib/issuance.mjs'
import { counterApi, decodeQr, keyOfDidUrl, offerCard, startStack, wallet } from './lib/stack.mjs'

let stack

before(async () => {
  stack = await startStack()
})

after(async () => {
  await stack?.stop()
})

test('a foreign wallet obtains a batch that the foreign SD-JWT VC library verifies', async () => {
  const holders = [generateKey(), generateKey()]
  const { credentials } = await obtain(await offerCard(stack), holders)
  assert.equal(credentials.length, holders.length)
  for (const [index, credential] of credentials.entries()) {
    const { payload, header } = await foreignVerifier(stack).verify(credential)
    assert.equal(header.typ, 'dc+sd-jwt')
    assert.equal(payload.vct, 'urn:jumin:resident-card:1')
    assert.equal(payload.cnf.jwk.x, holders[index].publicJwk.x)
    assert.match(payload.name.hangul, /^[가-힣]+$/)
  }
})

test('a wrong transaction code gets no credential', async () => {
  const offer = await offerCard(stack)
  const wrong = offer.tx_code.replace(/./g, (digit) => String((Number(digit) + 1) % 10))
  await assert.rejects(obtain({ ...offer, tx_code: wrong }, [generateKey()]))
})

test('the foreign library verifies a presentation decoded from our QR code', async () => {
  const trust = path.join(stack.directory, 'ledger/network.json')
  await wallet(stack, 'init', '--no-keyring', '--node', stack.env.NODE_URL, '--trust', trust)
  const offer = await offerCard(stack)
  await wallet(stack, 'accept', offer.credential_offer_uri, '--tx-code', offer.tx_code, '--yes')
  const { qr } = await counterApi(stack, 'POST', '/v1/requests', { service: 'address', mode: 'qr' })
  const picture = path.join(stack.directory, 'presentation.png')
  await wallet(stack, 'present', '--request', qr[0], '--yes', '--out', picture)

  const vpToken = await decodeQr(stack, picture)
  const [presentation] = vpToken.address
  const keyBinding = JSON.parse(Buffer.from(presentation.split('~').at(-1).split('.')[1], 'base64url'))
  const { payload, kb } = await foreignVerifier(stack).verify(presentation, { keyBindingNonce: keyBinding.nonce })
  assert.ok(payload.address.sido)
  assert.equal(payload.resident_registration_number, undefined)
  assert.equal(kb.payload.aud, `decentralized_identifier:${stack.env.COUNTER_DID}`)
})

test('a foreign wallet answers our counter over OpenID4VP', async () => {
  const holder = generateKey()
  const { credentials } = await obtain(await offerCard(stack), [holder])
  const request = await counterApi(stack, 'POST', '/v1/requests', { service: 'age-19', mode: 'online' })

  const client = new Openid4vpClient({
    callbacks: callbacks({
      holder,
      resolve: (didUrl) => keyOfDidUrl(stack, didUrl),
      clientAuthentication: clientAuthenticationAnonymous(),
    }),
  })
  const parsed = client.parseOpenid4vpAuthorizationRequest({ authorizationRequest: request.qr[0] })
  const resolved = await client.resolveOpenId4vpAuthorizationRequest({ authorizationRequestPayload: parsed.params })
  const { authorizationRequestPayload } = resolved
  assert.equal(authorizationRequestPayload.response_mode, 'direct_post.jwt')

  const presentation = await presentAge(holder, credentials[0], authorizationRequestPayload)
  const response = await client.createOpenid4vpAuthorizationResponse({
    authorizationRequestPayload,
    authorizationResponsePayload: { vp_token: { 'age-19': [presentation] } },
    jarm: {
      encryption: { nonce: salt(16) },
      serverMetadata: {
        authorization_signing_alg_values_supported: [],
        authorization_encryption_alg_values_supported: ['ECDH-ES'],
        authorization_encryption_enc_values_supported: ['A128GCM', 'A256GCM'],
      },
    },
  })
  const submitted = await client.submitOpenid4vpAuthorizationResponse({
    authorizationRequestPayload,
    authorizationResponsePayload: response.authorizationResponsePayload,
    jarm: response.jarm,
  })
  assert.ok(submitted.response.ok, await submitted.response.clone().text())
  const state = await counterApi(stack, 'GET', `/v1/requests/${request.id}`)
  assert.equal((state.verdict.verdict ?? state.verdict), 'valid', JSON.stringify(state))
})

async function presentAge(holder, credential, { client_id, nonce }) {
  const instance = foreignVerifier(stack, holder)
  return instance.present(
    credential,
    { age_equal_or_over: { 19: true } },
    {
      kb: {
        payload: {
          aud: client_id,
          nonce,
          iat: Math.floor(Date.now() / 1000),
        },
      },
    },
  )
}

test('the issuer publishes who it is for wallets that know only the standards', async () => {
  const metadata = async (name) => (await fetch(`${stack.env.ISSUER_URL}/.well-known/${name}`)).json()
  const issuer = await metadata('openid-credential-issuer')
  const server = await metadata('oauth-authorization-server')
  assert.equal(issuer.credential_issuer, stack.env.ISSUER_URL)
  assert.equal(server.issuer, stack.env.ISSUER_URL)
  assert.ok(issuer.credential_configurations_supported['resident-card'])
})
