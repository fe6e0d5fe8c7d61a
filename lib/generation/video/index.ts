export { assertWritable, writeFileAtomically } from "./atomic-write.ts";
export { type Frames, frameAt, VideoError } from "./frames.ts";
export { writePoster } from "./poster.ts";
export { psnr, ssim } from "./quality.ts";
export { readPicture } from "./read-picture.ts";
export { type Encoder, type WrittenVideo, writeVideo } from "./write-video.ts";
