import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { masterKeyFromText, SecretError } from "../keys/index.ts";

/**
 * Reads the master key of a deployment from the text that AWS Secrets Manager generated for it.
 *
 * @throws SecretError if the secret is not a text, or is too short
 */
export async function readMasterKey(
  client: Pick<SecretsManagerClient, "send">,
  secretId: string,
): Promise<Uint8Array> {
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
  if (SecretString === undefined) throw new SecretError(`The secret ${secretId} is not a text.`);
  return masterKeyFromText(SecretString);
}
