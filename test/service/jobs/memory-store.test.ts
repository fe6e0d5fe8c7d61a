import { objectStoreContract } from "../storage/object-store.contract.ts";
import { memoryStore } from "./memory-store.ts";

/** Titles of checks that are skipped, because no server serves the URLs of this store. */
const lacks = [
  "signed URLs read the object, with its stored content type or another",
  "signed URLs read nothing but what was signed",
  "signed URLs read nothing once they have expired",
  "signed URLs refuse lifetimes and types that are not allowed",
];

objectStoreContract(
  async () => ({ store: memoryStore(), fetch: async () => null, advance: async () => undefined }),
  lacks,
);
