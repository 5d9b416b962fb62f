/** Which picture size to ask the renderer for. */

export const SIZES = [128, 256, 512, 1024];

const GROW_BELOW_MS = 50;
const SHRINK_ABOVE_MS = 95;

/**
 * Chooses the size nearest to the space on screen, one step at a time, as far as the renderer
 * keeps up: the cost of a step is taken as four times as many pixels, so a larger picture is
 * asked for only if it should still come 20 times a second, and a smaller one below about 10.
 *
 * @param {number} spacePx side of the picture on screen, in device pixels.
 * @param {number|null} currentSize what the renderer makes now.
 * @param {number|null} renderMs what a frame costs it now.
 * @returns {number|null} the size to ask for; null to leave it as it is.
 */
export function autoSize(spacePx, currentSize, renderMs) {
  const index = SIZES.indexOf(currentSize);
  if (index < 0 || !(renderMs > 0) || !(spacePx > 0)) return null;
  const distance = (size) => Math.abs(Math.log2(size / spacePx));
  const wanted = SIZES.reduce((best, size) => (distance(size) < distance(best) ? size : best));
  if (currentSize > wanted) return wanted;
  if (renderMs > SHRINK_ABOVE_MS) return SIZES[Math.max(0, index - 1)];
  if (currentSize < wanted && renderMs * 4 <= GROW_BELOW_MS) return SIZES[index + 1];
  return null;
}
