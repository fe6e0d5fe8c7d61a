import { VERSION } from "../../shared/version.ts";
import { MADE_BY_MODEL } from "./mark/packet.ts";
import { TOOL } from "./tool.ts";

/** Facts that a signed file tells about how it was made. */
export interface Claims {
  /** Facts for the receipt, without words that a user wrote. Lists of numbers are not allowed (see `ofText`). */
  readonly receipt: Readonly<Record<string, unknown>>;
  /** SHA-256 of pictures that the video was made of, by the fields that gave them. */
  readonly pictures: Readonly<Record<string, string>>;
}

/** Label of the assertion that holds the receipt. */
export const RECEIPT_LABEL = "org.adareel.receipt";

/** Returns the manifest of a video that a model made, with its receipt (C2PA specification 2.2). */
export function manifestOf({ receipt, pictures }: Claims) {
  const agent = { name: TOOL, version: VERSION };
  const given = Object.keys(pictures);
  return {
    claim_generator_info: [agent],
    assertions: [
      {
        label: "c2pa.actions",
        data: {
          actions: [
            {
              action: "c2pa.created",
              digitalSourceType: MADE_BY_MODEL,
              softwareAgent: agent,
              ...(given.length > 0 && { parameters: { ingredientIds: given } }),
            },
          ],
        },
      },
      { label: RECEIPT_LABEL, data: receipt },
    ],
  };
}

/** Returns the ingredients of a video: the pictures that were its input, each by its hash alone. */
export function ingredientsOf({ pictures }: Claims) {
  return Object.entries(pictures).map(([field, sha256]) => ({
    title: field,
    label: field,
    format: "application/octet-stream",
    relationship: "inputTo",
    instance_id: `urn:sha256:${sha256}`,
  }));
}

/**
 * Returns a value in which each list of numbers is text with spaces between them: readers of Content Credentials show
 * lists of numbers as base64 of their lowest bytes (findings/c2pa-number-lists.sh).
 */
export function ofText(value: unknown): unknown {
  if (Array.isArray(value)) {
    const isOfNumbers = value.length > 0 && value.every((each) => typeof each === "number");
    return isOfNumbers ? value.join(" ") : value.map(ofText);
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inside]) => [name, ofText(inside)]));
}
