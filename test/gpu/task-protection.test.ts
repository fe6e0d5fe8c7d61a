import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ecsTaskProtection } from "../../functions/gpu/task-protection.ts";
import { eventually } from "../eventually.ts";

const log = pino({ level: "silent" });
const TASK = "arn:aws:ecs:eu-central-1:123456789012:task/adareel/0a";
const PATH = "/api/0123/task-protection/v1/state";

/** Bodies of the requests that the agent got, as `METHOD body`. */
let asked: string[];
/** Answers of the agent, in turn; the last one is repeated. */
let answers: { readonly status: number; readonly json: object }[];
let agent: Server;

const granted = (isProtected: boolean) => ({
  status: 200,
  json: { protection: { ProtectionEnabled: isProtected, TaskArn: TASK } },
});
const refused = {
  status: 400,
  json: { failure: { Arn: TASK, Detail: null, Reason: "TASK_NOT_VALID" } },
};
const broken = { status: 500, json: { error: { Arn: TASK, Code: "ServerException", Message: "Oops" } } };

beforeEach(async () => {
  asked = [];
  answers = [granted(true)];
  agent = createServer(async (request, response) => {
    expect(request.url).toBe(PATH);
    asked.push(`${request.method} ${await text(request)}`);
    const { status, json } = answers.length > 1 ? answers.shift()! : answers[0]!;
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
  });
  agent.listen(0, "127.0.0.1");
  await once(agent, "listening");
});
afterEach(async () => {
  agent.closeAllConnections();
  await once(agent.close(), "close");
});

function open(renewMs = 60_000) {
  const { port } = agent.address() as AddressInfo;
  return ecsTaskProtection({ agentUrl: `http://127.0.0.1:${port}/api/0123`, log, renewMs });
}

const HOLD = `PUT ${JSON.stringify({ ProtectionEnabled: true, ExpiresInMinutes: 60 })}`;
const RELEASE = `PUT ${JSON.stringify({ ProtectionEnabled: false })}`;

it("a task is protected once however often that is asked, and given back once", async () => {
  const protection = open();
  expect([await protection.hold(), await protection.hold()]).toEqual([true, true]);
  await protection.release();
  await protection.release();
  expect(asked).toEqual([HOLD, RELEASE]);
});

it("a protection is renewed until it is given back", async () => {
  const protection = open(20);
  await protection.hold();
  await eventually(() => expect(asked.length).toBeGreaterThan(2));
  await protection.release();
  const count = asked.length;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(new Set(asked.slice(0, -1))).toEqual(new Set([HOLD]));
  expect(asked.slice(count - 1)).toEqual([RELEASE]);
});

it("a task that is being stopped is not protected, which may change", async () => {
  answers = [refused, granted(true)];
  const protection = open();
  expect([await protection.hold(), await protection.hold()]).toEqual([false, true]);
  await protection.release();
});

it("an agent that fails is asked again", async () => {
  answers = [broken, granted(true)];
  const protection = open();
  expect(await protection.hold()).toBe(true);
  expect(asked).toEqual([HOLD, HOLD]);
  await protection.release();
});

it("an agent that goes on failing is told of in one sentence", async () => {
  answers = [broken];
  await expect(open().hold()).rejects.toThrow(/^The agent of ECS answered 500: .*Oops/);
});

it("a protection that cannot be given back ends by itself", async () => {
  const protection = open();
  await protection.hold();
  answers = [broken];
  await expect(protection.release()).resolves.toBeUndefined();
});
