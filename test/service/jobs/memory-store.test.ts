import { objectStoreContract } from "../storage/object-store.contract.ts";
import { memoryStore } from "./memory-store.ts";

/** Nothing serves its URLs. */
const lacks = [
  "read the object, as the type it was stored with or another",
  "read nothing but what was signed",
  "read nothing once they have expired",
  "refuse lifetimes and types that are not allowed",
];

objectStoreContract(
  async () => ({ store: memoryStore(), fetch: async () => null, advance: async () => undefined }),
  lacks,
);
