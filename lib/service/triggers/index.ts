export { type Delivery, SIGNATURE_SCHEMES, type SignatureScheme, secretFault } from "./delivery.ts";
export { type Condition, passesFilter } from "./filter.ts";
export { parsePointer } from "./json-pointer.ts";
export { type Filled, fillTemplate, parseTemplate, type Template } from "./template.ts";
export {
  type NewTrigger,
  type Trigger,
  type TriggerFields,
  type Triggers,
  triggerStore,
} from "./trigger-store.ts";
