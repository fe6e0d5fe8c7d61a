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
  /** Price, number and start of its machines, for quotes; written by infra/quote-settings.ts. */
  quotes: z.strictObject({
    price: z.strictObject({
      usdPerHour: z.number().positive(),
      usdPerHourMost: z.number().positive(),
      source: z.enum(["setting", "list"]),
    }),
    workers: z.strictObject({ least: z.int().positive(), most: z.int().positive() }),
    zero: z.strictObject({
      coldStart: z.strictObject({ expected: z.number(), low: z.number(), high: z.number() }),
      idleMs: z.int().positive(),
    }),
  }),
  version: z.string(),
});

export type EdgeConfig = Readonly<z.infer<typeof edgeConfigSchema>>;

/** Returns the configuration that this bundle was built with. */
export function bundledConfig(): EdgeConfig {
  return edgeConfigSchema.parse(EDGE_CONFIG);
}
