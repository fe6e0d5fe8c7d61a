import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";

/** Stack outputs as `cdk deploy --outputs-file` writes them: values by their names, by stack. */
const outputs = z.record(z.string(), z.record(z.string(), z.string()));

/** Returns the bucket of the deployment whose outputs docs/deploy.md has written below a folder, or null. */
export async function deployedBucket(folder: string): Promise<string | null> {
  const text = await readFile(join(folder, "out/outputs.json"), "utf8").catch(() => null);
  if (text === null) return null;
  try {
    const stacks = Object.values(outputs.parse(JSON.parse(text)));
    return stacks.map(({ BucketName }) => BucketName).find(Boolean) ?? null;
  } catch {
    // Whatever else lies there says nothing of a deployment.
    return null;
  }
}
