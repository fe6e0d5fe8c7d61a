import * as z from "zod";

/** Configuration that the bundler inserts, because a function at the edge has no environment variables. */
declare const EDGE_CONFIG: unknown;

/** Configuration of a deployment's edge; written by infra/edge-bundle.ts. */
export const edgeConfigSchema = z.strictObject({
  bucket: z.string(),
  /** Region of the bucket and of the secret; the function itself runs near the viewer. */
  region: z.string(),
  model: z.string(),
  /** Name of the secret that the master key is derived from. */
  masterSecret: z.string(),
  /** Custom domain of the API, besides the name of the distribution. */
  domain: z.string().nullable(),
  retentionDays: z.int().positive(),
  unfinishedMax: z.int().positive(),
  version: z.string(),
});

export type EdgeConfig = Readonly<z.infer<typeof edgeConfigSchema>>;

/** Returns the configuration that this bundle was built with. */
export function bundledConfig(): EdgeConfig {
  return edgeConfigSchema.parse(EDGE_CONFIG);
}
