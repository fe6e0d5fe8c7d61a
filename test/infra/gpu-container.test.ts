import { execFile } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { CPU_BASE, CUDA_BASE } from "../../infra/image/bases.ts";
import { imageSources, PROGRAMS } from "../../infra/image/context.ts";

const run = promisify(execFile);
const dockerfile = readFileSync("functions/gpu/Dockerfile", "utf8").replaceAll(/\\\n\s*/g, "");

/** Copies the sources of the image, with links to the packages that they import. */
function copyOfContext(): string {
  const copy = mkdtempSync(join(tmpdir(), "adareel-context-"));
  onTestFinished(() => rmSync(copy, { recursive: true }));
  for (const path of [...imageSources(process.cwd()), "package.json"]) cpSync(path, join(copy, path));
  mkdirSync(join(copy, "node_modules"));
  for (const name of readdirSync("node_modules"))
    if (name !== ".cache") symlinkSync(resolve("node_modules", name), join(copy, "node_modules", name));
  return copy;
}

describe("the sources of the image", () => {
  it("the image holds all that its programs are bundled from", async () => {
    const [, prepared] = /--prepare ([^\n]+)/.exec(dockerfile)!;
    expect(prepared!.split(" ")).toEqual([...PROGRAMS]);
    const copy = copyOfContext();
    await run("node", ["lib/shared/run/run.js", "--prepare", ...PROGRAMS], { cwd: copy });
    const bundles = readdirSync(join(copy, "node_modules/.cache/adareel"));
    expect(bundles.filter((name) => name.endsWith(".mjs"))).toHaveLength(PROGRAMS.length);
  });

  it("the image holds a new file as soon as one of its programs imports it, and not before", () => {
    const copy = copyOfContext();
    const before = imageSources(copy);
    const unused = "lib/shared/unused.ts";
    writeFileSync(join(copy, unused), "export const unused = 1;\n");
    expect(imageSources(copy)).toEqual(before);
    const [entry] = PROGRAMS;
    appendFileSync(join(copy, entry), `import "../../${unused}";\n`);
    expect(imageSources(copy)).toEqual([...before, unused].sort());
  });
});

describe("the libraries of the image", () => {
  const { requirements } = createRequire(import.meta.url)(
    resolve("node_modules/onnxruntime-node/script/install-metadata.js"),
  );

  it("the CUDA provider that onnxruntime-node fetches is for the CUDA of the base image", () => {
    // A version for CUDA 13 needs another base, other libraries, and an AMI whose driver is made for CUDA 13.
    expect(requirements["linux/x64"]).toEqual(["cuda12"]);
    const [, major, minor] = /cuda:(\d+)\.(\d+)\./.exec(CUDA_BASE)!;
    expect(major).toBe("12");
    // The provider misses functions of the runtime in earlier ones: tools/cuda-pairs.
    expect(Number(minor)).toBeGreaterThanOrEqual(8);
    expect(dockerfile).toContain(`libcublas-${major}-${minor}=`);
  });

  it("the packages that the Dockerfile adds are pinned, and the bases are those of the deployment", () => {
    const [, libraries] = /ARG CUDA_LIBRARIES="([^"]+)"/.exec(dockerfile)!;
    for (const library of libraries!.split(" ")) expect(library).toMatch(/^[a-z0-9-]+=[0-9.]+-\d$/);
    expect(dockerfile).toContain(`\nARG BASE=${CUDA_BASE}\n`);
    expect(dockerfile).toContain(`--build-arg BASE=${CPU_BASE}\n`);
  });
});

describe("the health check of the image", () => {
  const [, command] = /\nHEALTHCHECK .* CMD (\[.*\])\n/.exec(dockerfile)!;
  const [program, ...args] = JSON.parse(command!) as [string, ...string[]];

  async function check(status: number, variable: string): Promise<number> {
    const server = createServer((request, response) => {
      response.statusCode = request.url === "/ping" ? status : 404;
      response.end();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onTestFinished(() => void server.close());
    const env = { PATH: process.env.PATH!, [variable]: String((server.address() as AddressInfo).port) };
    return run(program, args, { env }).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
  }

  it("the health check follows /ping, on the port that the function listens on", async () => {
    expect(await check(200, "PORT")).toBe(0);
    expect(await check(200, "SAGEMAKER_BIND_TO_PORT")).toBe(0);
    expect(await check(503, "PORT")).toBe(1);
  });

  it("the health check fails while nothing listens", async () => {
    const env = { PATH: process.env.PATH!, PORT: "1" };
    await expect(run(program, args, { env })).rejects.toMatchObject({ code: 1 });
  });
});
