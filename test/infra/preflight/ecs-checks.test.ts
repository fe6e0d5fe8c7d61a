import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ecsChecks } from "../../../infra/backends/ecs/checks.ts";
import { parseDeployment } from "../../../infra/config.ts";
import { type StubReply, startAwsStub } from "./aws-stub.ts";

let aws: Awaited<ReturnType<typeof startAwsStub>>;
let quotas: Readonly<Record<string, number>>;

beforeEach(async () => {
  quotas = {};
  aws = await startAwsStub(({ input }): StubReply => {
    expect(input.ServiceCode).toBe("ec2");
    const listed = Object.entries(quotas).map(([name, Value]) => ({
      QuotaName: name,
      QuotaCode: "L-1",
      Value,
    }));
    return { Quotas: listed };
  });
  const login = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };
  for (const [name, value] of Object.entries({ ...aws.env, ...login })) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await aws.close();
});

async function check(options: Readonly<Record<string, string>> = {}) {
  const config = parseDeployment(
    { account: "123456789012", backend: "ecs", build: "codebuild", ...options },
    {},
  );
  const earlier = { jobs: Promise.resolve("none" as const) };
  const findings = await Promise.all(ecsChecks.inAccount(config, earlier));
  const subjects = ecsChecks.subjects(config);
  const found = findings.map(({ state, sentence }, index) => `${state} ${subjects[index]}: ${sentence}`);
  const others = ecsChecks.onMachine(config, {});
  const last = await Promise.all(
    others.map(async ([subject, finding]) => [subject, (await finding).sentence]),
  );
  return { found, last: Object.fromEntries(last) as Record<string, string> };
}

const page = "https://us-east-1.console.aws.amazon.com/servicequotas/home/services/ec2/quotas/L-1";

it("the processors of all instances fit into the quota of their family", async () => {
  quotas = { "Running On-Demand G and VT instances": 64 };
  const { found } = await check({ instancesMax: "4" });
  expect(found).toEqual(["ok instances of G and VT: The quota in us-east-1 is 64 vCPUs, and 64 are needed."]);
});

it("a quota that is too small is told with what would fit, and where to ask for more", async () => {
  quotas = { "Running On-Demand G and VT instances": 40 };
  const { found } = await check({ instancesMax: "4" });
  expect(found).toEqual([
    "wrong instances of G and VT: The quota in us-east-1 is 40 vCPUs, and 4 instances need 64: " +
      `say -c instancesMax=2, or request 64 at ${page}`,
  ]);
});

it("a quota of zero is told with a way to try the service meanwhile", async () => {
  quotas = { "Running On-Demand G and VT instances": 0 };
  const { found } = await check();
  expect(found[0]).toContain("an instance needs 16: try the demo model without a GPU meanwhile");
});

it("Spot instances have quotas of their own, and so has each family", async () => {
  quotas = { "All G and VT Spot Instance Requests": 8, "All P5 Spot Instance Requests": 16 };
  const { found, last } = await check({ spot: "true", instanceTypes: "g6.2xlarge,p5.4xlarge" });
  expect(found).toEqual([
    "ok Spot instances of G and VT: The quota in us-east-1 is 8 vCPUs, and 8 are needed.",
    "ok Spot instances of P: The quota in us-east-1 is 16 vCPUs, and 16 are needed.",
  ]);
  expect(last["Managed Instances"]).toContain("create-service-linked-role");
});

it("types without a GPU are counted by the quota of the standard families", async () => {
  quotas = { "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances": 5 };
  const { found } = await check({ instanceTypes: "m5.xlarge" });
  expect(found).toEqual(["ok instances of standard: The quota in us-east-1 is 5 vCPUs, and 4 are needed."]);
});

it("a quota that is not listed is unknown, as are the regions of Managed Instances", async () => {
  const { found, last } = await check();
  expect(found[0]).toMatch(
    /^unknown instances of G and VT: Service Quotas has no "Running On-Demand G and VT/,
  );
  expect(last["Managed Instances"]).toMatch(
    /^It cannot be checked whether us-east-1 has g6e\.2xlarge and g6e\.4xlarge/,
  );
  expect(last.image).toBe("CodeBuild builds it in the account.");
});

it("a network that is given is named with what nobody checks of it, and one that is made is not", async () => {
  const subnetIds = "subnet-0a1b2c3d,subnet-1a1b2c3d";
  const { last } = await check({ vpcId: "vpc-0a1b2c3d", subnetIds });
  expect(last.network).toMatch(
    /^It is not checked whether subnet-0a1b2c3d and subnet-1a1b2c3d are in vpc-0a1b2c3d in us-east-1, and reach S3/,
  );
  expect(Object.keys((await check()).last)).not.toContain("network");
});
