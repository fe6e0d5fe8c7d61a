import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { AsyncEndpoint } from "./async-endpoint.ts";
import type { MessageQueue } from "./message-queue.ts";

export interface AwsServer {
  readonly url: string;
  /** Actions of SQS that were asked for, as `role sqs:Action queue`: the access key is the name of the role. */
  readonly queueAccesses: ReadonlySet<string>;
  /** Existing endpoints, by name. */
  readonly endpoints: Map<string, AsyncEndpoint>;
  queueUrl(name: string): string;
  close(): Promise<void>;
}

export interface AwsServerOptions {
  readonly queues: Readonly<Record<string, MessageQueue>>;
  /** Values of the secrets, by name. */
  readonly secrets?: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json: object;
}

/** Input of a request about a message that was received. */
interface Received {
  readonly QueueUrl: string;
  readonly ReceiptHandle: string;
  readonly VisibilityTimeout?: number;
}

/** Input of a request that waits for a message. */
interface Polled {
  readonly QueueUrl: string;
  readonly WaitTimeSeconds: number;
  readonly VisibilityTimeout: number;
}

class NoSuchQueue extends Error {}

/** Time between two looks at a queue while somebody waits for a message. */
const POLL_MS = 10;

/**
 * Stand-in for SageMaker's runtime, SQS and Secrets Manager, for the clients of the AWS SDK that the
 * functions use. Signatures are not checked.
 */
export async function startAwsServer({ queues, secrets = {} }: AwsServerOptions): Promise<AwsServer> {
  const endpoints = new Map<string, AsyncEndpoint>();
  const queueAccesses = new Set<string>();
  const server = createServer(async (request, response) => {
    const { status, headers, json } = await answerTo(request);
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(json));
  });

  async function answerTo(request: IncomingMessage): Promise<Answer> {
    try {
      return await answered(request);
    } catch (error) {
      if (!(error instanceof NoSuchQueue)) throw error;
      return fault(400, "QueueDoesNotExist", "The specified queue does not exist.");
    }
  }

  async function answered(request: IncomingMessage): Promise<Answer> {
    const body = await text(request);
    const [, action] = /^AmazonSQS\.(\w+)$/.exec(String(request.headers["x-amz-target"])) ?? [];
    if (action) {
      const [, role] = /Credential=([^/]+)\//.exec(request.headers.authorization!)!;
      const { QueueUrl } = JSON.parse(body) as Received;
      queueAccesses.add(`${role} sqs:${action} ${QueueUrl.split("/").at(-1)}`);
    }
    const [, name] = /^\/endpoints\/([^/]+)\/async-invocations$/.exec(request.url!) ?? [];
    if (name !== undefined) return invoke(name, request.headers);
    switch (request.headers["x-amz-target"]) {
      case "AmazonSQS.SendMessage":
        return sendMessage(JSON.parse(body));
      case "AmazonSQS.ReceiveMessage":
        return receiveMessage(JSON.parse(body), request);
      case "AmazonSQS.DeleteMessage": {
        const { QueueUrl, ReceiptHandle } = JSON.parse(body) as Received;
        queueAt(QueueUrl).delete(ReceiptHandle);
        return { status: 200, json: {} };
      }
      case "AmazonSQS.ChangeMessageVisibility": {
        const { QueueUrl, ReceiptHandle, VisibilityTimeout } = JSON.parse(body) as Received;
        if (queueAt(QueueUrl).hide(ReceiptHandle, VisibilityTimeout! * 1000))
          return { status: 200, json: {} };
        return fault(400, "MessageNotInflight", "The message is not in flight.");
      }
      case "AmazonSQS.GetQueueAttributes": {
        const { visible, hidden } = queueAt((JSON.parse(body) as Received).QueueUrl).counts;
        const Attributes = {
          ApproximateNumberOfMessages: String(visible),
          ApproximateNumberOfMessagesNotVisible: String(hidden),
          ApproximateNumberOfMessagesDelayed: "0",
        };
        return { status: 200, json: { Attributes } };
      }
      case "secretsmanager.GetSecretValue": {
        const { SecretId } = JSON.parse(body) as { SecretId: string };
        const SecretString = secrets[SecretId];
        if (SecretString === undefined)
          return fault(400, "ResourceNotFoundException", "There is no such secret.");
        return { status: 200, json: { Name: SecretId, SecretString } };
      }
      default:
        return fault(400, "UnknownOperationException", "This is not stood in for.");
    }
  }

  function queueAt(url: string): MessageQueue {
    const queue = queues[url.split("/").at(-1)!];
    if (!queue) throw new NoSuchQueue();
    return queue;
  }

  async function receiveMessage(
    { QueueUrl, WaitTimeSeconds, VisibilityTimeout }: Polled,
    request: IncomingMessage,
  ): Promise<Answer> {
    const until = Date.now() + WaitTimeSeconds * 1000;
    while (Date.now() < until && !request.socket.destroyed) {
      const pulled = queueAt(QueueUrl).pull(VisibilityTimeout * 1000);
      if (pulled) {
        const { id, body, receipt } = pulled;
        const MD5OfBody = createHash("md5").update(body).digest("hex");
        const message = { MessageId: id, ReceiptHandle: receipt, Body: body, MD5OfBody };
        return { status: 200, json: { Messages: [message] } };
      }
      await sleep(POLL_MS);
    }
    return { status: 200, json: {} };
  }

  function invoke(name: string, headers: IncomingMessage["headers"]): Answer {
    const header = (suffix: string) => String(headers[`x-amzn-sagemaker-${suffix}`] ?? "");
    const endpoint = endpoints.get(name);
    if (!endpoint)
      return fault(400, "ValidationError", `Endpoint ${name} of account 111122223333 not found.`);
    if (endpoint.faults.throttled > 0) {
      endpoint.faults.throttled -= 1;
      return fault(400, "ThrottlingException", "Rate exceeded");
    }
    const ttlSeconds = Number(header("requestttlseconds"));
    const timeoutSeconds = Number(header("invocationtimeoutseconds"));
    const isValid =
      /^s3:\/\/[^/]+\/.+$/.test(header("inputlocation")) &&
      /^[\x21-\x7e]{1,64}$/.test(header("inference-id")) &&
      ttlSeconds >= 60 &&
      ttlSeconds <= 21_600 &&
      timeoutSeconds >= 1 &&
      timeoutSeconds <= 3600;
    if (!isValid) return fault(400, "ValidationError", "1 validation error detected.");
    const inferenceId = header("inference-id");
    const { outputLocation, failureLocation } = endpoint.take({
      inputLocation: header("inputlocation"),
      inferenceId,
      contentType: String(headers["x-amzn-sagemaker-content-type"]),
      ttlSeconds,
    });
    return {
      status: 202,
      headers: {
        "x-amzn-sagemaker-outputlocation": outputLocation,
        "x-amzn-sagemaker-failurelocation": failureLocation,
      },
      json: { InferenceId: inferenceId },
    };
  }

  function sendMessage(message: {
    readonly QueueUrl: string;
    readonly MessageBody: string;
    readonly DelaySeconds?: number;
    readonly MessageGroupId?: string;
    readonly MessageDeduplicationId?: string;
  }): Answer {
    const { QueueUrl, MessageBody, DelaySeconds, MessageGroupId, MessageDeduplicationId } = message;
    const name = QueueUrl.split("/").at(-1)!;
    const queue = queueAt(QueueUrl);
    // Messages of a FIFO queue have a group and an id, and no delay of their own.
    const ordered =
      MessageGroupId && MessageDeduplicationId
        ? { group: MessageGroupId, deduplicationId: MessageDeduplicationId }
        : null;
    const isValid = name.endsWith(".fifo")
      ? ordered && DelaySeconds === undefined
      : MessageGroupId === undefined && (DelaySeconds ?? 0) >= 0 && (DelaySeconds ?? 0) <= 900;
    if (!isValid) return fault(400, "InvalidParameterValue", "The message is not one of this queue.");
    queue.send(MessageBody, DelaySeconds, ordered);
    const MD5OfMessageBody = createHash("md5").update(MessageBody).digest("hex");
    return { status: 200, json: { MessageId: randomUUID(), MD5OfMessageBody } };
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    endpoints,
    queueAccesses,
    queueUrl: (name) => `${url}/111122223333/${name}`,
    async close() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

function fault(status: number, code: string, message: string): Answer {
  return { status, headers: { "x-amzn-errortype": code }, json: { __type: code, message } };
}
