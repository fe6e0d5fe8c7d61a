export { type NvidiaGpu, nvidiaGpu } from "./accelerator.ts";
export {
  ASKED_PROVIDERS,
  type AskedProvider,
  checkProvider,
  chooseProvider,
  type ProviderCheck,
} from "./choose-provider.ts";
export { assignDevices, countDevices, listedDevices } from "./devices.ts";
