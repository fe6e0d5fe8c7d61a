import { objectStoreContract } from "../storage/object-store.contract.ts";
import { memoryStore } from "./memory-store.ts";

/** Nothing serves its URLs. */
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
