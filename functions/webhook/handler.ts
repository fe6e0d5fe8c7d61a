import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import * as z from "zod";
import { keyRing } from "../../lib/service/keys/index.ts";
import {
  functionVariables,
  jobHandler,
  openFunction,
  readMasterKey,
} from "../../lib/service/lambda/index.ts";
import { postGuarded } from "../../lib/service/net/index.ts";
import { sqsSendHints } from "../../lib/service/queue/index.ts";
import { type Post, webhookEndpoints } from "../../lib/service/webhooks/index.ts";
import { environmentOf, needed, parseEnvironment } from "../../lib/shared/environment.ts";
import { reasonOf } from "../../lib/shared/reason-of.ts";
import { system } from "../../lib/shared/system.ts";
import { handleWebhooks, type WebhookDeps } from "./webhook.ts";

const environment = environmentOf("webhook", {
  MASTER_SECRET_ID: needed("the name of the secret that the master key is made from"),
  /** Host names of the service itself, separated by commas. */
  BLOCKED_HOSTS: z.string().default(""),
  SENDS_QUEUE_URL: needed("the URL of the FIFO queue for the receivers of webhooks"),
  ...functionVariables,
});

const variables = parseEnvironment(environment, process.env);
const { MASTER_SECRET_ID, BLOCKED_HOSTS, SENDS_QUEUE_URL } = variables;
const blockedHosts = BLOCKED_HOSTS.split(",").filter(Boolean);
const { log, store, jobs, hints, sqs } = await openFunction(variables);
const ring = keyRing(await readMasterKey(new SecretsManagerClient({}), MASTER_SECRET_ID), system.random);
const post: Post = (url, request) => postGuarded(url, { ...request, blockedHosts, ...system });
const deps: WebhookDeps = {
  jobs,
  hints,
  sendHints: sqsSendHints({ client: sqs, url: SENDS_QUEUE_URL, random: system.random }),
  endpoints: webhookEndpoints({ store, ring, ...system }),
  ring,
  post,
  clock: Date,
  spread: Math.random,
  onError: (error, ref) =>
    log.warn({ ...ref, reason: reasonOf(error) }, "a sender failed, and its job is left to the sweeper"),
};

/**
 * Handles the messages of two queues. The webhooks queue has hints, and events of the bucket's `undelivered/`. The
 * messages of the sends queue name receivers.
 */
export const handler = jobHandler(log, (hinted) => handleWebhooks(deps, hinted));
