import { readFileSync } from "node:fs";
import { parse, parseAllDocuments } from "yaml";

/** Container of a manifest, with its environment as the platform would set it. */
export interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Values that the Secrets hold in tests. */
export const SECRETS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "adareel-s3": { AWS_ACCESS_KEY_ID: "stub", AWS_SECRET_ACCESS_KEY: "stub" },
};

const FOLDER = "deploy/kubernetes";

// biome-ignore lint/suspicious/noExplicitAny: a manifest's shape is checked by tools/check-deploy.sh.
export type Manifest = any;

/** Reads the objects of a file of deploy/kubernetes. */
export function manifestsOf(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(`${FOLDER}/${file}`, "utf8"), { version: "1.1" }).map((document) =>
    document.toJS(),
  );
}

/** Returns the container of a Deployment of deploy/kubernetes. */
export function containerOf(deployment: string, file: string): Container {
  const [settings] = manifestsOf("settings.yaml");
  const found = manifestsOf(file).find(
    ({ kind, metadata }) => kind === "Deployment" && metadata.name === deployment,
  );
  const [{ image, args = [], env, envFrom = [] }] = found.spec.template.spec.containers;
  const shared = envFrom.map(({ configMapRef, secretRef }: Manifest) => {
    if (secretRef) return SECRETS[secretRef.name];
    return configMapRef.name === settings.metadata.name ? settings.data : undefined;
  });
  if (shared.includes(undefined))
    throw new Error(`${deployment} takes its environment from something unknown.`);
  const own = Object.fromEntries(env.map(({ name, value }: Manifest) => [name, value]));
  return { image, args, env: Object.assign({}, ...shared, own) };
}

/** Returns the service of deploy/compose.yaml. */
export function composeService(name: string): Container {
  const text = readFileSync("deploy/compose.yaml", "utf8").replaceAll(/\$\{S3_SECRET_KEY:\?[^}]*\}/g, "stub");
  const { image, command = [], environment } = parse(text, { merge: true }).services[name];
  return { image, args: command, env: environment };
}
