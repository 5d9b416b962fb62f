/** Frames per second, from a running count of frames. */

const WINDOW_MS = 2000;

export class RateMeter {
  #samples = []; // [time ms, count], oldest first

  /**
   * @param {number} nowMs
   * @param {number} count frames so far; a smaller one than before starts anew.
   */
  add(nowMs, count) {
    if (this.#samples.length > 0 && count < this.#samples.at(-1)[1]) this.#samples = [];
    this.#samples.push([nowMs, count]);
    // One sample older than the window stays, so that the whole window is measured.
    while (this.#samples.length > 2 && this.#samples[1][0] <= nowMs - WINDOW_MS) {
      this.#samples.shift();
    }
  }

  /** Frames per second over the last two seconds until now; null before two frames. */
  perSecond(nowMs) {
    if (this.#samples.length < 2) return null;
    const [startMs, startCount] = this.#samples[0];
    const [endMs, endCount] = this.#samples.at(-1);
    // While frames come, the time since the last one is no part of any interval; when they
    // have stopped, it is.
    const untilMs = nowMs - endMs > WINDOW_MS / 2 ? nowMs : endMs;
    return ((endCount - startCount) * 1000) / (untilMs - startMs);
  }
}
