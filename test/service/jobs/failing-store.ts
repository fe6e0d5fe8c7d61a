import { type ObjectStore, StoreError } from "../../../lib/service/storage/index.ts";

type Operation = "get" | "put" | "delete" | "list" | "signedUrl";

/** Interceptor of a store's operations: runs the operation, or something else instead, before or after it. */
export type Interception = (
  name: Operation,
  key: string,
  operation: () => Promise<unknown>,
) => Promise<unknown>;

/** Wraps a store so that all operations go through `intercept`. */
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

/** Wraps a store for a process that is killed at its n-th operation, before or after the operation is done. */
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

/** Wraps a store so that the answers of the first `times` writes are lost after they are done. */
export function losingAnswers(store: ObjectStore, times: number): ObjectStore {
  let left = times;
  return intercepted(store, async (name, _key, operation) => {
    const answer = await operation();
    if (name !== "put" || left === 0) return answer;
    left -= 1;
    throw new StoreError("unavailable", "The answer was lost.");
  });
}
