import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { createMetrics } from "../../functions/local/metrics.ts";
import { apiKeys } from "../../lib/service/keys/index.ts";
import { s3Store } from "../../lib/service/storage/s3-store.ts";
import { system } from "../../lib/shared/system.ts";
import { VARIABLES, type Variable } from "../../lib/shared/variables.ts";
import { eventually } from "../eventually.ts";
import { clientOf } from "../local/local-service.ts";
import { startS3Stub } from "../s3-stub/s3-stub.ts";
import { type Container, composeService, containerOf, manifestsOf } from "./manifests.ts";

const dockerfile = readFileSync("deploy/Dockerfile", "utf8").replaceAll(/\\\n\s*/g, "");
const API = ["functions/local/start.ts"];

/** Containers of the API and of a worker, as each platform starts them. */
const PLATFORMS: readonly [name: string, api: Container, worker: Container][] = [
  ["Kubernetes", containerOf("adareel-api", "api.yaml"), containerOf("adareel-workers", "workers.yaml")],
  ["compose", composeService("api"), composeService("worker")],
];

/** Copies what deploy/Dockerfile copies, with links to the packages that it installs. */
function unpackedImage(): string {
  const image = mkdtempSync(join(tmpdir(), "adareel-image-"));
  onTestFinished(() => rmSync(image, { recursive: true }));
  for (const [, paths] of dockerfile.matchAll(/^COPY (.*) \.\/?\S*$/gm))
    for (const path of paths!.split(" ")) cpSync(path, join(image, path), { recursive: true });
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  mkdirSync(join(image, "node_modules"));
  for (const name of readdirSync("node_modules")) {
    const isDevelopment = name === "vitest" || name === "typescript" || name === "yaml";
    if (name === ".cache" || isDevelopment) continue;
    symlinkSync(resolve("node_modules", name), join(image, "node_modules", name));
  }
  expect(Object.keys(dependencies).every((name) => existsSync(join(image, "node_modules", name)))).toBe(true);
  return image;
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return String(port);
}

/** Runs a container's process in the unpacked image, with its environment and what differs on this machine. */
function runContainer(image: string, { image: name, args, env }: Container, here: Record<string, string>) {
  // The GPU image begins with the program; both images run it by run.js.
  const program = name === "adareel-gpu" ? ["functions/gpu/serve.ts", ...args] : args.length > 0 ? args : API;
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, ["lib/shared/run/run.js", ...program], {
    cwd: image,
    env: { PATH, HOME, ...env, HOST: "127.0.0.1", AWS_EC2_METADATA_DISABLED: "true", ...here },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  onTestFinished(async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  });
  return { child, output: () => output };
}

/** Returns the bytes of a quantity of Kubernetes in whole GiB. */
function bytesOf(quantity: string): number {
  return Number(/^(\d+)Gi$/.exec(quantity)![1]) * 2 ** 30;
}

describe("the containers", () => {
  it.each(PLATFORMS)(
    "the containers of %s make a video over a bucket when they run as plain processes",
    async (_, api, worker) => {
      const s3 = await startS3Stub({ buckets: ["videos"] });
      onTestFinished(() => s3.close());
      const image = unpackedImage();
      const data = join(image, "data");
      mkdirSync(data);
      writeFileSync(join(data, "master.key"), randomBytes(32), { mode: 0o400 });
      const here = { AWS_ENDPOINT_URL_S3: s3.url, NODE_NO_WARNINGS: "1", LOG_LEVEL: "warn" };
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const scratch = {
        MODEL_CACHE: join(image, "models-cache"),
        TMPDIR: image,
        PROVIDER: "cpu",
        THREADS: "1",
      };
      const running = runContainer(image, api, { ...here, DATA_DIR: data, PORT: port, PUBLIC_URL: url });
      runContainer(image, worker, { ...here, ...scratch, PORT: "0" });
      await eventually(() => expect(running.output()).toContain(`listens on ${url}`));
      const { STORE = "", AWS_REGION = "" } = api.env;
      const bucket = new URL(STORE).host;
      const store = s3Store({
        client: new S3Client({
          endpoint: s3.url,
          region: AWS_REGION,
          forcePathStyle: true,
          credentials: { accessKeyId: "stub", secretAccessKey: "stub" },
        }),
        bucket,
      });
      const { key } = await apiKeys({ store, ...system }).create({ tenant: "default", name: "test" });
      const client = clientOf(url, key);
      const video = await client.finished((await client.create({ prompt: "a red circle", steps: 4 })).id);
      expect(video).toMatchObject({ status: "completed", error: null });
    },
  );
});

describe("the manifests", () => {
  const readers = { api: ["local", "sdk"], worker: ["gpu", "sdk"] } as const;
  /** Variables of the AWS SDK and of Node that the list of the repository's own does not have. */
  const others = /^(AWS_\w+|TMPDIR)$/;

  it.each(PLATFORMS)("the manifests of %s set only variables that the program reads", (_, api, worker) => {
    for (const [role, { env }] of Object.entries({ api, worker }))
      for (const name of Object.keys(env).filter((each) => !others.test(each))) {
        const variable: Variable | undefined = VARIABLES[name as keyof typeof VARIABLES];
        expect(variable?.readBy ?? [], name).toSatisfy(
          (by: string[]) =>
            readers[role as keyof typeof readers].some((reader) => by.includes(reader)) || name === "STORE",
        );
      }
  });

  it("a pod runs as an account that may pull from the registry and asks nothing of the cluster", () => {
    const [account] = manifestsOf("service-account.yaml");
    expect(account).toMatchObject({
      automountServiceAccountToken: false,
      imagePullSecrets: [{ name: "adareel-registry" }],
    });
    const [{ resources }] = manifestsOf("kustomization.yaml");
    expect(resources).toContain("service-account.yaml");
    for (const file of ["api.yaml", "workers.yaml"])
      expect(manifestsOf(file).at(-1).spec.template.spec.serviceAccountName).toBe(account.metadata.name);
    expect(readFileSync("docs/operations.md", "utf8")).toContain(
      `create secret docker-registry ${account.imagePullSecrets[0].name} `,
    );
  });

  it("a worker asks for the disk that it may fill, which the documents raise by the size of their model", () => {
    const [{ resources }] = manifestsOf("workers.yaml")[0].spec.template.spec.containers;
    const own = resources.limits["ephemeral-storage"];
    expect(resources.requests["ephemeral-storage"]).toBe(own);
    const [, raised] = /`ephemeral-storage` to `(\w+)`/.exec(readFileSync("docs/operations.md", "utf8"))!;
    const [, gb] = /^\| `wan2\.1-1\.3b` \|[^|]*\| (\d+) GB/m.exec(readFileSync("docs/models.md", "utf8"))!;
    expect(bytesOf(raised!)).toBeGreaterThanOrEqual(Number(gb) * 1e9 + bytesOf(own));
  });

  it("a service of the compose file keeps a log that cannot fill the disk", () => {
    const { services } = parse(readFileSync("deploy/compose.yaml", "utf8"), { merge: true });
    for (const { logging } of Object.values<{ logging?: object }>(services))
      expect(logging).toEqual({ driver: "local" });
  });

  it("a pod has a minute more than its video, whose worker is told so", () => {
    const [workers] = manifestsOf("workers.yaml");
    const { terminationGracePeriodSeconds: seconds } = workers.spec.template.spec;
    const { STOP_GRACE_MS } = containerOf("adareel-workers", "workers.yaml").env;
    expect(seconds * 1000 - Number(STOP_GRACE_MS)).toBe(60_000);
  });

  it("the number of workers follows a metric that the API has, at the address that the Service has", async () => {
    const [{ spec }] = manifestsOf("keda/scaled-object.yaml");
    const { url, format, valueLocation } = spec.triggers[0].metadata;
    const metrics = createMetrics();
    const none = { undelivered: 0, resent: 0, lost: 0, expired: 0, orphaned: 0, failed: 0 };
    metrics.observeSweep({ queued: 2, running: 3, ...none });
    expect([format, await metrics.render()]).toEqual([
      "prometheus",
      expect.stringContaining(`\n${valueLocation} 5\n`),
    ]);
    const [service] = manifestsOf("api.yaml");
    const [{ namespace }] = manifestsOf("kustomization.yaml");
    const { hostname, port, pathname } = new URL(url);
    expect([hostname, Number(port), pathname]).toEqual([
      `${service.metadata.name}.${namespace}`,
      service.spec.ports[0].port,
      "/metrics",
    ]);
    expect(spec.scaleTargetRef.name).toBe(manifestsOf("workers.yaml")[0].metadata.name);
  });

  it("API, workers and gateway name one bucket, one endpoint and one Secret", () => {
    const [settings] = manifestsOf("settings.yaml");
    const [, service, gateway] = manifestsOf("gateway/gateway.yaml");
    const { STORE, AWS_ENDPOINT_URL_S3: endpoint } = settings.data;
    expect(endpoint).toBe(`http://${service.metadata.name}:${service.spec.ports[0].port}`);
    const { initContainers, containers } = gateway.spec.template.spec;
    expect(initContainers[0].command.at(-1)).toBe(`/files/${new URL(STORE).host}`);
    const secrets = containers[0].env.map(
      ({ valueFrom }: { valueFrom: { secretKeyRef: { name: string } } }) => valueFrom.secretKeyRef.name,
    );
    expect(new Set(secrets)).toEqual(new Set(["adareel-s3"]));
  });
});
