import { ModelStoreError } from "../../lib/distribution/model-store/index.ts";
import { CheckpointError } from "../../lib/generation/checkpoint/index.ts";
import { ProvenanceError } from "../../lib/generation/provenance/index.ts";
import { RequestError } from "../../lib/generation/request/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import { ConfigError } from "../../lib/shared/environment.ts";

const MISTAKES = [
  UsageError,
  ConfigError,
  RequestError,
  CheckpointError,
  ModelStoreError,
  ProvenanceError,
  RangeError,
];

/**
 * Prints an error as one sentence and ends this process, whatever still runs in it. The exit code is 2 for an error in
 * the command line, the configuration or a model, otherwise 1.
 */
export function exitWithSentence(error: Error): never {
  process.stderr.write(`${error.message}\n`);
  process.exit(MISTAKES.some((kind) => error instanceof kind) ? 2 : 1);
}
