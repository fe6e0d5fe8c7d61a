import { register } from "node:module";
import { resolve } from "node:path";

/**
 * Stands in for tsx in the processes that tests start: `node --import test/programs/register.js program.ts`. The
 * program is one cached bundle, which starts in a quarter of tsx's processor time. `vitest.config.ts` puts it there.
 */
process.setSourceMapsEnabled(true);
register("./hooks.js", import.meta.url, { data: process.argv[1] && resolve(process.argv[1]) });
