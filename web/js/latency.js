/**
 * Brings together what the renderer says about frames (RTP timestamp, presentation and capture
 * time) and what the browser shows (RTP timestamp, display time). Either may come first.
 */

const ANNOUNCED = 900;
const DISPLAYED = 300;
const WINDOW_MS = 3000;

export class FrameMatcher {
  #announced = new Map(); // rtpTimestamp → {ptsMs, captureUnixMs}, oldest first
  #displayed = new Map(); // rtpTimestamp → display time, of frames not announced yet
  #matched = []; // {rtpTimestamp, ptsMs, captureUnixMs, displayUnixMs}, oldest first

  /** The newest frame that was shown and is known, or null. */
  get last() {
    return this.#matched.at(-1) ?? null;
  }

  /**
   * @param {Array<[number, number, number]>} frames
   *     [RTP timestamp, presentation time ms, capture time on the renderer's clock, Unix ms].
   */
  announce(frames) {
    for (const [rtpTimestamp, ptsMs, captureUnixMs] of frames) {
      this.#announced.set(rtpTimestamp, { ptsMs, captureUnixMs });
      this.#match(rtpTimestamp);
    }
    trim(this.#announced, ANNOUNCED);
  }

  /**
   * @param {number} rtpTimestamp of the frame on screen.
   * @param {number} displayUnixMs when it got there, this browser's clock.
   */
  display(rtpTimestamp, displayUnixMs) {
    this.#displayed.set(rtpTimestamp, displayUnixMs);
    this.#match(rtpTimestamp);
    trim(this.#displayed, DISPLAYED);
  }

  /** The presentation time of a frame; null when the renderer has not told it (yet). */
  ptsMsOf(rtpTimestamp) {
    return this.#announced.get(rtpTimestamp)?.ptsMs ?? null;
  }

  /**
   * Median time from camera to screen over the last seconds.
   *
   * @param {number} nowUnixMs this browser's clock.
   * @param {number|null} offsetMs renderer's clock minus this one.
   * @returns {number|null} milliseconds; null when nothing was measured.
   */
  latencyMs(nowUnixMs, offsetMs) {
    if (offsetMs === null) return null;
    const recent = this.#matched.filter((frame) => frame.displayUnixMs > nowUnixMs - WINDOW_MS);
    return median(recent.map((frame) => frame.displayUnixMs + offsetMs - frame.captureUnixMs));
  }

  #match(rtpTimestamp) {
    const displayUnixMs = this.#displayed.get(rtpTimestamp);
    const announced = this.#announced.get(rtpTimestamp);
    if (displayUnixMs === undefined || announced === undefined) return;
    this.#displayed.delete(rtpTimestamp);
    this.#matched.push({ rtpTimestamp, displayUnixMs, ...announced });
    if (this.#matched.length > DISPLAYED) this.#matched.shift();
  }
}

/** The middle one of the values, or null of none. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return null;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function trim(map, size) {
  for (const key of map.keys()) {
    if (map.size <= size) return;
    map.delete(key);
  }
}
