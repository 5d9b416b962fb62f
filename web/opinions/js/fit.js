/** How large the videos are shown: each of their pixels covers whole pixels of the screen. */

/**
 * As large as one CSS pixel for each of theirs where there is room, always a whole number of the
 * screen's pixels. Above each other only where that at least doubles them, or where they do not
 * fit beside each other. Where not even one to one fits they are shrunk.
 *
 * @param {number} sidePx side of the videos, in their own pixels
 * @param {number} ratio of the screen's pixels to CSS pixels, zoom included
 * @param {number} widthCss room for both
 * @param {number} gapCss between them
 * @returns {{layout: "beside"|"stacked", sideCss: number, scale: number}} scale: pixels of the
 *   screen for one of the video
 */
export function fit(sidePx, ratio, widthCss, gapCss) {
  const natural = Math.max(1, Math.round(ratio));
  const beside = whole((((widthCss - gapCss) / 2) * ratio) / sidePx, natural);
  const stacked = whole((widthCss * ratio) / sidePx, natural);
  if (beside >= 1 && 2 * beside >= stacked) return shown("beside", beside);
  return shown("stacked", stacked >= 1 ? stacked : (widthCss * ratio) / sidePx);

  function shown(layout, scale) {
    return { layout, sideCss: (sidePx * scale) / ratio, scale };
  }
}

function whole(room, natural) {
  return Math.min(natural, Math.floor(room + 1e-6));
}
