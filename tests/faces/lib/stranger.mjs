// A server that offers documents and that no agency names as its own; it notes what it is sent.
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

const GRANT = 'urn:ietf:params:oauth:grant-type:pre-authorized_code'

/** Starts the server on loopback: `{ link, posted, stop }`; `posted` are the bodies of all that was posted to it. */
export async function startStranger() {
  const posted = []
  const server = createServer(async (request, response) => {
    const base = `http://${request.headers.host}`
    if (request.method === 'POST') posted.push(`${request.url} ${await text(request)}`)
    const answer = answers(base)[request.url]
    response.writeHead(answer ? 200 : 400, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? { error: 'invalid_grant' }))
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  const uri = encodeURIComponent(`http://127.0.0.1:${server.address().port}/offer`)
  return {
    link: `openid-credential-offer://?credential_offer_uri=${uri}`,
    posted,
    stop: () => new Promise((ended) => (server.close(ended), server.closeAllConnections())),
  }
}

function answers(base) {
  return {
    '/offer': {
      credential_issuer: base,
      credential_configuration_ids: ['card'],
      grants: { [GRANT]: { 'pre-authorized_code': 'secret', tx_code: { length: 6 } } },
    },
    '/.well-known/openid-credential-issuer': {
      credential_issuer: base,
      credential_endpoint: `${base}/credential`,
      credential_configurations_supported: {
        card: {
          format: 'dc+sd-jwt',
          vct: 'urn:jumin:resident-card:1',
          proof_types_supported: { jwt: { proof_signing_alg_values_supported: ['ES256'] } },
        },
      },
    },
    '/.well-known/oauth-authorization-server': { issuer: base, token_endpoint: `${base}/token` },
  }
}
