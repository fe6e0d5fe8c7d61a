import * as z from "zod";

/** What the bundler puts here: a function at the edge has no environment variables. */
declare const EDGE_CONFIG: unknown;

/** What a deployment decides about its edge; made by infra/edge-bundle.ts. */
export const edgeConfigSchema = z.strictObject({
  bucket: z.string(),
  /** Of the bucket and of the secret; the function runs near whoever asks. */
  region: z.string(),
  model: z.string(),
  /** The name of the secret that the master key is made of. */
  masterSecret: z.string(),
  /** A name of the API's own besides that of the distribution. */
  domain: z.string().nullable(),
  retentionDays: z.int().positive(),
  unfinishedMax: z.int().positive(),
  version: z.string(),
});

export type EdgeConfig = Readonly<z.infer<typeof edgeConfigSchema>>;

/** The configuration that this bundle was made with. */
export function bundledConfig(): EdgeConfig {
  return edgeConfigSchema.parse(EDGE_CONFIG);
}
