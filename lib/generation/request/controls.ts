import type { Alias, Control, Parameter } from "./parameter.ts";
import { PARAMETERS } from "./parameters.ts";

/** Controls of the playground's form by the names of their parameters, in the order of the table. */
export const REQUEST_CONTROLS: readonly (Control & { readonly parameter: string })[] = Object.entries<
  Parameter | Alias
>(PARAMETERS).flatMap(([parameter, declared]) =>
  "control" in declared && declared.control ? [{ parameter, ...declared.control }] : [],
);
