/** Routes of the API. The package has this type written out, so that no source of the server comes with it. */
export type { Api } from "../../../functions/api/app.ts";
