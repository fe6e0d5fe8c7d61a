import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface StubQuestion {
  /** Operation, such as `GetCallerIdentity` or `GetParameter`. */
  readonly operation: string;
  readonly region: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Answer, or the name of an error; null closes the connection without an answer. */
export type StubReply = { readonly error: string; readonly status?: number } | object | null;

/** Starts a stub of STS, Systems Manager, Service Quotas, SQS and Secrets Manager, with the answers of a test. */
export async function startAwsStub(reply: (question: StubQuestion) => StubReply) {
  const questions: StubQuestion[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const target = String(request.headers["x-amz-target"] ?? "");
    const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const isJson = target !== "";
    const operation = isJson ? target.split(".")[1]! : new URLSearchParams(body).get("Action")!;
    const question = { operation, region, input: isJson ? JSON.parse(body) : {} };
    questions.push(question);
    const answer = reply(question);
    if (answer === null) return request.socket.destroy();
    const error = "error" in answer ? answer.error : null;
    const status = "status" in answer ? Number(answer.status) : error ? 400 : 200;
    response.writeHead(status, { "content-type": isJson ? "application/x-amz-json-1.1" : "text/xml" });
    if (isJson) return response.end(JSON.stringify(error ? { __type: error, message: "" } : answer));
    response.end(error ? queryError(error) : queryAnswer(operation, answer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    questions,
    env: {
      AWS_ENDPOINT_URL_STS: url,
      AWS_ENDPOINT_URL_SSM: url,
      AWS_ENDPOINT_URL_SERVICE_QUOTAS: url,
      AWS_ENDPOINT_URL_SQS: url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
    },
    async close() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

function queryAnswer(operation: string, answer: object): string {
  const fields = Object.entries(answer).map(([name, value]) => `<${name}>${value}</${name}>`);
  return `<${operation}Response><${operation}Result>${fields.join("")}</${operation}Result></${operation}Response>`;
}

function queryError(code: string): string {
  return `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message/></Error></ErrorResponse>`;
}
