/**
 * Returns the frames of a video that a latent frame stands for, from the first to before the second of the numbers.
 *
 * A causal autoencoder has a latent frame for the first frame, and one for every few frames after it, in the whole
 * video or in each of several equal parts. Other videos are divided evenly.
 */
export function framesOf(latentFrame: number, latentFrames: number, frames: number): [number, number] {
  const parts = partsOf(latentFrames, frames);
  const [inPart, shown] = [latentFrames / parts, frames / parts];
  const part = Math.floor(latentFrame / inPart);
  const within = latentFrame % inPart;
  const start = (index: number) =>
    isCausal(inPart, shown)
      ? index === 0
        ? 0
        : 1 + (index - 1) * ((shown - 1) / (inPart - 1))
      : Math.round((index * shown) / inPart);
  return [part * shown + start(within), part * shown + (within === inPart - 1 ? shown : start(within + 1))];
}

function partsOf(latentFrames: number, frames: number): number {
  if (isCausal(latentFrames, frames)) return 1;
  const divisor = greatestDivisor(latentFrames, frames);
  return isCausal(latentFrames / divisor, frames / divisor) ? divisor : 1;
}

function isCausal(latentFrames: number, frames: number): boolean {
  return latentFrames > 1 && (frames - 1) % (latentFrames - 1) === 0;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
