import { command } from "../../lib/shared/command-line/index.ts";
import { VARIABLES, type Variable } from "../../lib/shared/variables.ts";
import { DEFAULTS } from "./config.ts";

export const NAME = "npm start --";

const settings = Object.entries<Variable>(VARIABLES).filter(
  ([, { readBy, setBy }]) => readBy.includes("local") && setBy.includes("people"),
);

/** Command line of `npm start`: it has no options, because its settings are environment variables. */
export const START = command({
  text: "serves the API, the playground and the reference on this machine, until Ctrl-C",
  positionals: [],
  options: {},
  variables: Object.fromEntries(settings.map(([name, { what }]) => [name, `${what}${defaultOf(name)}`])),
  notes: `Settings are environment variables, as in PORT=3001 npm start. PROVIDER, PRECISION, VARIANT and
    THREADS are passed on to the GPU function.`,
  example: "",
});

function defaultOf(name: string): string {
  const value = DEFAULTS[name];
  return value === undefined ? "" : `; default ${value}`;
}
