import type {
  SharedV4Warning,
  Experimental_VideoModelV4CallOptions as VideoCallOptions,
  Experimental_VideoModelV4File as VideoFile,
} from "@ai-sdk/provider";
import { convertUint8ArrayToBase64 } from "@ai-sdk/provider-utils";
import { fittedLength, fittedSize } from "./fit.ts";
import { videoOptions } from "./options.ts";
import type { Model } from "./service.ts";

/** Request for one video in the words of the service, and what is to be said about it. */
export interface Order {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly warnings: SharedV4Warning[];
}

/**
 * Makes the request of a call. Sizes, lengths and frame rates that the model has not are replaced by the nearest ones,
 * with a warning. All else goes on as it is, because the service says best what is wrong with it.
 *
 * @throws InvalidArgumentError
 */
export function orderOf(call: VideoCallOptions, model: Model): Order {
  const options = videoOptions(call.providerOptions.adareel);
  const size = "size" in options ? null : fittedSize(model, call);
  const { duration, fps } = call;
  const own = ["num_frames", "seconds"].some((name) => name in options);
  const length = fittedLength(model, {
    duration: own ? undefined : duration,
    fps: "fps" in options ? undefined : fps,
  });
  const first = call.image ?? call.frameImages?.find(({ frameType }) => frameType === "first_frame")?.image;
  const last = call.frameImages?.find(({ frameType }) => frameType === "last_frame")?.image;
  const warnings = [...(size?.warnings ?? []), ...length.warnings];
  if (call.generateAudio === true)
    warnings.push(unsupported("generateAudio", "Videos of this service are silent."));
  if (call.inputReferences !== undefined && call.inputReferences.length > 0) {
    const instead = "Give a picture as prompt.image or in frameImages.";
    warnings.push(unsupported("inputReferences", instead));
  }
  const fields = {
    ...(size && { size: size.value }),
    ...length.value,
    ...(call.seed !== undefined && { seed: call.seed }),
    ...options,
    ...(first && { input_reference: urlOf(first) }),
    ...(last && { last_image: urlOf(last) }),
    model: model.id,
    prompt: call.prompt ?? "",
  };
  return { fields, warnings };
}

/** Returns the requests of `count` videos: with a seed, each has the next one, because equal seeds make equal videos. */
export function copiesOf({ fields }: Order, count: number): Order["fields"][] {
  const { seed } = fields;
  return Array.from({ length: count }, (_, index) =>
    typeof seed === "number" && seed >= 0 ? { ...fields, seed: seed + index } : fields,
  );
}

function unsupported(feature: string, details: string): SharedV4Warning {
  return { type: "unsupported", feature, details };
}

/** Returns the URL of a picture, with the picture in it where it has none. */
function urlOf(picture: VideoFile): string {
  if (picture.type === "url") return picture.url;
  const { data, mediaType } = picture;
  return `data:${mediaType};base64,${typeof data === "string" ? data : convertUint8ArrayToBase64(data)}`;
}
