export { assertWritable, writeFileAtomically } from "./atomic-write.ts";
export { type Frames, MAX_SIDE, VideoError } from "./frames.ts";
export { writePoster } from "./poster.ts";
export { psnr, ssim } from "./quality.ts";
export { type Encoder, MAX_FPS, type WrittenVideo, writeVideo } from "./write-video.ts";
