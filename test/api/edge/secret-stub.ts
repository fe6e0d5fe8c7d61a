import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

export interface SecretStub {
  /** Values of the secrets, by name. */
  readonly secrets: Map<string, string>;
  /** Environment variables that point a client to the stub. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Stub of Secrets Manager over HTTP. It implements GetSecretValue, the only operation that the edge uses. */
export async function startSecretStub(): Promise<SecretStub> {
  const secrets = new Map<string, string>();
  const server = createServer(async (request, response) => {
    const { SecretId: name } = (await json(request)) as { SecretId: string };
    const isKnown = request.headers["x-amz-target"] === "secretsmanager.GetSecretValue" && secrets.has(name);
    response.writeHead(isKnown ? 200 : 400, { "content-type": "application/x-amz-json-1.1" });
    response.end(
      JSON.stringify(
        isKnown
          ? { Name: name, SecretString: secrets.get(name) }
          : { __type: "ResourceNotFoundException", message: "There is no such secret." },
      ),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    secrets,
    env: { AWS_ENDPOINT_URL_SECRETS_MANAGER: url },
    async close() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}
