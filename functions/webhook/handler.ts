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
import { type Post, webhookEndpoints } from "../../lib/service/webhooks/index.ts";
import { environmentOf, needed, parseEnvironment } from "../../lib/shared/environment.ts";
import { system } from "../../lib/shared/system.ts";
import { sendWebhooks } from "./webhook.ts";

const environment = environmentOf("webhook", {
  MASTER_SECRET_ID: needed("the name of the secret that the master key is made from"),
  /** Host names of the service itself, separated by commas. */
  BLOCKED_HOSTS: z.string().default(""),
  ...functionVariables,
});

const variables = parseEnvironment(environment, process.env);
const { MASTER_SECRET_ID, BLOCKED_HOSTS } = variables;
const blockedHosts = BLOCKED_HOSTS.split(",").filter(Boolean);
const { log, store, jobs, hints } = await openFunction(variables);
const ring = keyRing(await readMasterKey(new SecretsManagerClient({}), MASTER_SECRET_ID), system.random);
const post: Post = (url, request) => postGuarded(url, { ...request, blockedHosts, ...system });
const deps = {
  jobs,
  hints,
  endpoints: webhookEndpoints({ store, ring, ...system }),
  ring,
  post,
  clock: Date,
  spread: Math.random,
};

/** Handles the messages of the webhooks queue: hints, and events of the bucket's `undelivered/`. */
export const handler = jobHandler(log, (ref) => sendWebhooks(deps, ref));
