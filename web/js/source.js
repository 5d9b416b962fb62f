/** The source clip of a demo, kept in step with what the portrait shows. */

const SEEK_ABOVE_MS = 400;
const SEEK_PAUSE_MS = 1000;
const IN_STEP_MS = 15;
const STRONGEST = 0.08;
const SAME_LENGTH_MS = 250;

/**
 * How far the clip is behind (positive) or ahead of its place.
 *
 * @param {number} targetMs where it should be, within one loop.
 * @param {number} currentMs where it is.
 * @param {number} loopMs length of the sender's loop.
 * @param {number} clipMs length of the clip here. If it is the same, the end meets the start,
 *     and just before the end is close to just after the start.
 */
export function driftMs(targetMs, currentMs, loopMs, clipMs) {
  const drift = targetMs - currentMs;
  if (Math.abs(loopMs - clipMs) > SAME_LENGTH_MS) return drift;
  return drift - loopMs * Math.round(drift / loopMs);
}

/** The speed that takes a small drift away within about a second without being noticed. */
export function playbackRate(drift) {
  if (Math.abs(drift) < IN_STEP_MS) return 1;
  return 1 + Math.max(-STRONGEST, Math.min(STRONGEST, drift / 1000));
}

export class SourceClip {
  #video;
  #soughtMs = -Infinity;

  /** @param {HTMLVideoElement} video with its `src` set. */
  constructor(video) {
    this.#video = video;
  }

  /**
   * Moves the clip to where the portrait is; to be called a few times a second.
   *
   * @param {number|null} ptsMs what the portrait shows right now; null holds the clip.
   * @param {number|null} loopMs length of the sender's loop.
   * @param {number} nowMs
   */
  follow(ptsMs, loopMs, nowMs) {
    const video = this.#video;
    if (ptsMs === null || !(loopMs > 0)) {
      video.pause();
      return;
    }
    if (video.readyState < HTMLMediaElement.HAVE_METADATA || video.seeking) return;
    const targetMs = ptsMs % loopMs;
    const drift = driftMs(targetMs, video.currentTime * 1000, loopMs, video.duration * 1000);
    if (Math.abs(drift) > SEEK_ABOVE_MS && nowMs - this.#soughtMs > SEEK_PAUSE_MS) {
      this.#soughtMs = nowMs;
      video.currentTime = targetMs / 1000;
    }
    video.playbackRate = playbackRate(drift);
    // Refused while the tab is hidden; the next call tries again.
    if (video.paused) video.play().catch(() => {});
  }
}
