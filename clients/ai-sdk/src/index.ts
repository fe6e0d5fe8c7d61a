export type { AdareelVideoOptions } from "./options.ts";
export { type AdareelProvider, type AdareelProviderSettings, adareel, createAdareel } from "./provider.ts";
export type { AdareelVideoModel } from "./video-model.ts";
