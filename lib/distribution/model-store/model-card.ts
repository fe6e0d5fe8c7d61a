import * as z from "zod";
import { videoLimitsSchema } from "../../generation/request/index.ts";
import { everyKey, type ObjectStore, RecordError } from "../../service/storage/index.ts";

const modelCardSchema = z.object({
  name: z.string(),
  limits: videoLimitsSchema,
  /** Hash that is equal for two folders with the same weights: `modelFingerprint` of lib/generation/checkpoint. */
  fingerprint: z.string(),
  /** Bytes of all files. */
  bytes: z.int().positive(),
});

/**
 * Description of a model that a deployment reads without its weights. It is written last: if there is a card,
 * all files are there.
 */
export type ModelCard = z.infer<typeof modelCardSchema>;

const MODEL_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** Returns true if a model can be stored under this name. */
export function isModelName(text: string): boolean {
  return MODEL_NAME.test(text);
}

/** Returns the prefix of the keys of a model's files. The rest of a key is the path in the model's folder. */
export function modelPrefix(name: string): string {
  return `models/${name}/`;
}

const CARDS = "model-cards/";
const cardKey = (name: string) => `${CARDS}${name}.json`;

/**
 * Reads the card of a model in the store; null if no such model was pushed.
 *
 * @throws RecordError if something else is stored there
 */
export async function readModelCard(
  store: Pick<ObjectStore, "get">,
  name: string,
): Promise<ModelCard | null> {
  const object = await store.get(cardKey(name));
  if (!object) return null;
  const parsed = modelCardSchema.safeParse(parsedJson(object.body));
  if (!parsed.success) throw new RecordError(cardKey(name));
  return parsed.data;
}

/**
 * Reads the cards of all models in the store, by name.
 *
 * @throws RecordError as {@link readModelCard}
 */
export async function modelCards(store: ObjectStore): Promise<ModelCard[]> {
  const cards: ModelCard[] = [];
  for await (const key of everyKey(store, CARDS)) {
    const card = await readModelCard(store, key.slice(CARDS.length).replace(/\.json$/, ""));
    if (card) cards.push(card);
  }
  return cards;
}

/** Writes the card, which makes the model available. Its files must be stored before. */
export async function writeModelCard(store: ObjectStore, card: ModelCard): Promise<void> {
  const body = new TextEncoder().encode(JSON.stringify(card));
  await store.put(cardKey(card.name), body, { contentType: "application/json" });
}

function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
