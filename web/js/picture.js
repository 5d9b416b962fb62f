/** Watches the frames that a <video> really shows. */

import { unixMs } from "./clock.js";
import { RateMeter } from "./meter.js";

export class Picture {
  #shownMs = null; // when the last new frame was shown, on performance.now()
  #video;
  #onFrame;
  #meter = new RateMeter();
  #frames = 0;

  /**
   * @param {HTMLVideoElement} video
   * @param {(rtpTimestamp: number, displayUnixMs: number) => void} onFrame
   */
  constructor(video, onFrame) {
    this.#video = video;
    this.#onFrame = onFrame;
    if ("requestVideoFrameCallback" in video) this.#request();
    // A hidden page is shown nothing; that is no silence of the renderer's.
    document.addEventListener("visibilitychange", () => {
      if (this.#shownMs !== null) this.#shownMs = performance.now();
    });
  }

  /** Forgets the stream that was shown: another one comes. */
  reset() {
    this.#shownMs = null;
    this.#meter = new RateMeter();
  }

  /** Milliseconds since a new frame was shown; null before the first of the stream. */
  get ageMs() {
    if (this.#shownMs === null) return null;
    return document.hidden ? 0 : performance.now() - this.#shownMs;
  }

  /** Frames per second on screen; null before any. */
  perSecond() {
    const nowMs = performance.now();
    if (!("requestVideoFrameCallback" in this.#video)) {
      const frames = this.#video.getVideoPlaybackQuality().totalVideoFrames;
      this.#count(nowMs, frames);
    }
    return this.#meter.perSecond(nowMs);
  }

  #count(nowMs, frames) {
    this.#meter.add(nowMs, frames);
    if (frames !== this.#frames) this.#shownMs = nowMs;
    this.#frames = frames;
  }

  #request() {
    this.#video.requestVideoFrameCallback((nowMs, frame) => {
      this.#count(nowMs, frame.presentedFrames);
      if (frame.rtpTimestamp !== undefined) {
        this.#onFrame(frame.rtpTimestamp, unixMs(frame.expectedDisplayTime));
      }
      this.#request();
    });
  }
}
