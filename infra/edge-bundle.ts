import { cpSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { buildSync, type Metafile } from "esbuild";
import type { DeploymentConfig } from "./config.ts";
import { sharedNames } from "./names.ts";
import { quoteSettings } from "./quote-settings.ts";

const ROOT = join(import.meta.dirname, "..");
const API = join(ROOT, "functions/api");

/** Defines `require` in the ES module: CommonJS packages use it to load Node's modules. */
const BANNER = 'import { createRequire } from "node:module";const require=createRequire(import.meta.url);';

/**
 * Sources of credentials that the AWS SDK loads only where the environment has none. Lambda puts a function's
 * credentials into its environment, so the bundle leaves them out.
 */
const UNUSED_CREDENTIAL_SOURCES = [
  ...["http", "ini", "process", "sso", "web-identity"].map((name) => `@aws-sdk/credential-provider-${name}`),
  "@smithy/credential-provider-imds",
];

/**
 * Bundles the edge function of a deployment into `folder`: `index.mjs` exports `handler`, and loads the files beside it.
 * They contain its configuration. Equal sources and configuration give equal bytes, so an unchanged function is not
 * replicated again.
 *
 * @returns esbuild's metafile: the inputs and the outputs
 */
export function bundleEdge(config: DeploymentConfig, folder: string): Metafile {
  const { metafile } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: { index: join(API, "edge/handler.ts") },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    // What is imported when it is needed, such as MCP's package, gets a file that other requests never read.
    splitting: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // Packages that offer both formats are smaller as ES modules, whose unused parts can be removed.
    mainFields: ["module", "main"],
    jsx: "automatic",
    banner: { js: BANNER },
    external: UNUSED_CREDENTIAL_SOURCES,
    define: { EDGE_CONFIG: JSON.stringify(edgeConfig(config)) },
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
  });
  // The pages read their files from the folder of the code, in the bundle as in the repository.
  for (const browser of ["functions/api/pages/browser", "lib/shared/page/browser"]) {
    cpSync(join(ROOT, browser), join(folder, "browser"), {
      recursive: true,
      filter: (path) => extname(path) !== ".json",
    });
  }
  return metafile;
}

/** Returns the configuration that functions/api/edge/edge-config.ts parses. */
export function edgeConfig(config: DeploymentConfig) {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  const { bucket, masterSecret } = sharedNames(config);
  const { region, model, domain, retentionDays, unfinishedMax } = config;
  return {
    bucket,
    region,
    model,
    masterSecret,
    domain: domain?.name ?? null,
    retentionDays,
    unfinishedMax,
    quotes: quoteSettings(config),
    version,
  };
}
