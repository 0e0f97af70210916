// Obtains credentials with the foreign OID4VCI client.
import { clientAuthenticationAnonymous } from '@openid4vc/oauth2'
import { Openid4vciClient, setGlobalConfig } from '@openid4vc/openid4vci'
import { callbacks } from './crypto.mjs'

setGlobalConfig({ allowInsecureUrls: true }) // plain http on loopback

export async function obtain(offer, holders) {
  const client = new Openid4vciClient({
    callbacks: callbacks({ holder: holders[0], clientAuthentication: clientAuthenticationAnonymous() }),
  })
  const credentialOffer = await client.resolveCredentialOffer(offer.credential_offer_uri)
  const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer)
  const { accessTokenResponse } = await client.retrievePreAuthorizedCodeAccessTokenFromOffer({
    credentialOffer,
    issuerMetadata,
    txCode: offer.tx_code,
  })
  const { c_nonce: nonce } = await client.requestNonce({ issuerMetadata })
  const credentialConfigurationId = credentialOffer.credential_configuration_ids[0]
  const jwt = await Promise.all(
    holders.map(async (holder) => {
      const prover = new Openid4vciClient({
        callbacks: callbacks({ holder, clientAuthentication: clientAuthenticationAnonymous() }),
      })
      const proof = await prover.createCredentialRequestJwtProof({
        issuerMetadata,
        credentialConfigurationId,
        nonce,
        signer: { method: 'jwk', alg: 'ES256', publicJwk: holder.publicJwk },
      })
      return proof.jwt
    }),
  )
  const { credentialResponse } = await client.retrieveCredentials({
    issuerMetadata,
    credentialConfigurationId,
    accessToken: accessTokenResponse.access_token,
    proofs: { jwt },
  })
  return {
    issuerMetadata,
    credentials: credentialResponse.credentials.map(({ credential }) => credential),
  }
}
