import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseDeployment } from "../../infra/config.ts";
import { POLICIES } from "../../infra/preflight/policies.ts";
import { blocksOf } from "../docs/blocks.ts";
import { temporaryFolder } from "../service/storage/temporary-folder.ts";
import { ACCOUNT, templateOf } from "./deployment.ts";
import { permissionsOf } from "./policies.ts";

const block = blocksOf("docs/deploy.md").find(({ text }) => text.includes("put-retention-policy"))!;
const prefix = /--log-group-name-prefix (\S+)/.exec(block.text)![1]!;
const group = `${prefix}eu-central-1-edge-ApiFunction`;

/** Answers like AWS, with a group in the second of two regions, and writes down what it was asked. */
const AWS = `#!/bin/bash
echo "$*" >> "$CALLS"
case "$*" in
  *describe-regions*) printf 'eu-west-1\\tsa-east-1\\n' ;;
  *describe-log-groups*sa-east-1*) echo ${group} ;;
esac
`;

/** Returns the commands of AWS that the block of the document runs. */
function callsOfBlock(): string[] {
  const folder = temporaryFolder();
  const calls = join(folder, "calls");
  writeFileSync(join(folder, "aws"), AWS);
  chmodSync(join(folder, "aws"), 0o755);
  const env = { PATH: `${folder}:${process.env.PATH}`, CALLS: calls };
  const { status } = spawnSync("bash", ["-eu", "-c", block.text], { env });
  expect(status).toBe(0);
  return readFileSync(calls, "utf8").trim().split("\n");
}

it("the documented command gives an expiry to the edge's groups in every region that has one", () => {
  const calls = callsOfBlock();
  expect(calls.filter((call) => call.includes("describe-log-groups"))).toHaveLength(2);
  expect(calls.filter((call) => call.includes("put-retention-policy"))).toEqual([
    `logs put-retention-policy --region sa-east-1 --log-group-name ${group} --retention-in-days 30`,
  ]);
});

it("the groups of the documented command are those that the edge may make, in whatever region", () => {
  expect(permissionsOf(templateOf("edge"), "ApiRole")).toContain(
    `logs:CreateLogGroup arn:aws:logs:*:${ACCOUNT}:log-group:${prefix}*`,
  );
});

it("the deployer's policy allows every command of AWS that gives the edge's logs an expiry", () => {
  const { Statement } = POLICIES.deployer(parseDeployment({ account: ACCOUNT }, {}), "hnb659fds");
  const allowed = new Set(Statement.flatMap(({ Action }) => Action));
  for (const call of callsOfBlock()) {
    const [service, command] = call.split(" ") as [string, string];
    const action = command.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
    expect(allowed).toContain(`${service}:${action}`);
  }
});
