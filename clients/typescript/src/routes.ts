import type { hc, InferRequestType, InferResponseType } from "hono/client";
import type { Api } from "./api.ts";

/** Routes under `/v1`, as methods of Hono's client. */
export type Routes = ReturnType<typeof hc<Api>>["v1"];

/** Video as the service describes it. */
export type Video = InferResponseType<Routes["videos"]["$post"]>;

/** Request for a video: every field of the reference at `/docs`. */
export type VideoRequest = InferRequestType<Routes["videos"]["$post"]>["json"];

/** Model of the service, with the values that it takes. */
export type Model = InferResponseType<Routes["models"]["$get"]>["data"][number];
