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
import { expect, it, onTestFinished } from "vitest";
import { apiKeys } from "../../lib/service/keys/index.ts";
import { s3Store } from "../../lib/service/storage/s3-store.ts";
import { system } from "../../lib/shared/system.ts";
import { eventually } from "../eventually.ts";
import { clientOf } from "../local/local-service.ts";
import { startS3Stub } from "../s3-stub/s3-stub.ts";
import { type Container, platforms } from "./manifests.ts";

const dockerfile = readFileSync("deploy/Dockerfile", "utf8").replaceAll(/\\\n\s*/g, "");
const API = ["functions/local/start.ts"];

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

it.each(platforms())(
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
