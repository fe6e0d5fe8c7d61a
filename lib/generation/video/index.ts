export { assertWritable, writeFileAtomically } from "./atomic-write.ts";
export { type Frames, frameAt, VideoError } from "./frames.ts";
export { type ClipPreprocessing, clipPixels, clipPreprocessingSchema } from "./picture/clip.ts";
export { coverCrop } from "./picture/crop.ts";
export { decodePicture } from "./picture/decode.ts";
export { signedPlanes } from "./picture/planes.ts";
export { readPicture } from "./picture/read.ts";
export { type Picture, type Resizing, resizePicture, type Size } from "./picture/resize.ts";
export { encodePoster, writePoster } from "./poster.ts";
export { encodePreview } from "./preview-picture.ts";
export { psnr, ssim } from "./quality.ts";
export {
  type Encoder,
  encodeVideo,
  type StartedVideo,
  startVideo,
  type WrittenVideo,
  writeVideo,
} from "./write-video.ts";
