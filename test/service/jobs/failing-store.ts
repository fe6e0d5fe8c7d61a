import { type ObjectStore, StoreError } from "../../../lib/service/storage/index.ts";

type Operation = "get" | "put" | "delete" | "list" | "signedUrl";

/** Does the operation of the store, or something else instead, before or after. */
export type Interception = (
  name: Operation,
  key: string,
  operation: () => Promise<unknown>,
) => Promise<unknown>;

/** A view of a store whose operations all go through `intercept`. */
export function intercepted(store: ObjectStore, intercept: Interception): ObjectStore {
  return {
    get: (key) => intercept("get", key, () => store.get(key)) as ReturnType<ObjectStore["get"]>,
    put: (key, ...rest) =>
      intercept("put", key, () => store.put(key, ...rest)) as ReturnType<ObjectStore["put"]>,
    delete: (key, ...rest) => intercept("delete", key, () => store.delete(key, ...rest)) as Promise<boolean>,
    list: (prefix, options) =>
      intercept("list", prefix, () => store.list(prefix, options)) as ReturnType<ObjectStore["list"]>,
    signedUrl: (key, options) =>
      intercept("signedUrl", key, () => store.signedUrl(key, options)) as Promise<string>,
  };
}

export class Killed extends Error {
  override readonly name = "Killed";
}

/** The store as a process sees it that is killed at its n-th operation, before the store has done it or after. */
export function dyingAt(store: ObjectStore, operations: number, isDone: boolean): ObjectStore {
  let left = operations;
  return intercepted(store, async (_name, _key, operation) => {
    if (left > 1) {
      left -= 1;
      return operation();
    }
    if (left === 1 && isDone) await operation();
    left = 0;
    throw new Killed();
  });
}

/** Does every write and never answers it, `times` times. */
export function losingAnswers(store: ObjectStore, times: number): ObjectStore {
  let left = times;
  return intercepted(store, async (name, _key, operation) => {
    const answer = await operation();
    if (name !== "put" || left === 0) return answer;
    left -= 1;
    throw new StoreError("unavailable", "The answer was lost.");
  });
}
