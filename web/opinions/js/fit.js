/** How large the videos are shown: every pixel of theirs covers whole pixels of the screen. */

/**
 * Beside each other if both fit, else above each other; as large as one CSS pixel for each of
 * theirs where there is room, always a whole number of the screen's pixels. Only where not even
 * one to one fits are they shrunk.
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
  if (beside >= 1) return shown("beside", beside);
  const stacked = whole((widthCss * ratio) / sidePx, natural);
  return shown("stacked", stacked >= 1 ? stacked : (widthCss * ratio) / sidePx);

  function shown(layout, scale) {
    return { layout, sideCss: (sidePx * scale) / ratio, scale };
  }
}

function whole(room, natural) {
  return Math.min(natural, Math.floor(room + 1e-6));
}
