/**
 * Returns CMYK pixels (255 is full ink) as RGB: each ink takes its share of the light that the black ink leaves, as PIL
 * computes it. No colour profile is applied.
 *
 * @param stride Number of channels, of which the first four are read
 */
export function rgbOfCmyk(cmyk: Uint8Array, stride: number): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / stride) * 3);
  for (let from = 0, at = 0; from < cmyk.length; from += stride) {
    const light = 255 - cmyk[from + 3]!;
    for (let ink = 0; ink < 3; ink++) rgb[at++] = light - dividedBy255(cmyk[from + ink]! * light);
  }
  return rgb;
}

/** Returns a product of two bytes, divided by 255 and rounded. */
function dividedBy255(product: number): number {
  return Math.round(product / 255);
}
