import type { ApiDeps } from "../../env.ts";
import type { Operation } from "../operation.ts";

/** Facts about this deployment that its examples show: its models, its limits, and how long it keeps videos. */
export type Deployment = Pick<ApiDeps, "models" | "limits" | "retentionMs">;

/** Example of a body or of an answer, with a few words that say which one it is. */
export interface Example {
  readonly summary: string;
  readonly value: unknown;
}

/** Examples by name, in the order in which the reference shows them. */
export type Examples = Readonly<Record<string, Example>>;

/** Examples of an operation. Its programs in the reference send the first body. */
export interface OperationExamples {
  readonly bodies?: Examples;
  /** Answers with status 200. */
  readonly answers?: Examples;
  /** Answers with another status. */
  readonly otherAnswers?: Readonly<Record<number, Examples>>;
  /** Query that the programs send, such as `?limit=10`. */
  readonly query?: string;
  /** Body or query with a wrong value, which shows the error `invalid_value`. */
  readonly wrong?: object;
}

/** Ids that the examples name. */
export const IDS = {
  video: "video_01m8kyv6f5zm34b35jvnzcxjs8",
  remix: "video_01m8kyxq3a8t5c2w9m4r7e1d6h",
  webhookEndpoint: "we_5f0c1d2e3b4a59687786a5b4c3d2e1f0",
  trigger: "trg_7c3aed5b1f0e4d2c9b8a7f6e5d4c3b2a",
} as const;

/** Returns the id that the examples have in a path. */
export function sampleId({ path }: Pick<Operation, "path">, { models }: Pick<Deployment, "models">): string {
  const ids: Readonly<Record<string, string>> = {
    videos: IDS.video,
    webhook_endpoints: IDS.webhookEndpoint,
    triggers: IDS.trigger,
    models: models[0].name,
  };
  return ids[path.split("/")[2] ?? ""] ?? "";
}
