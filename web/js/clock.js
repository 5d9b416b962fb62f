/** The difference between this browser's clock and the renderer's, from ping and pong. */

const SAMPLES = 30;

/** Milliseconds since 1970 on this browser's steady clock, the one that frames are timed by. */
export function unixMs(performanceNowMs) {
  return performance.timeOrigin + performanceNowMs;
}

export class ClockOffset {
  #samples = [];

  /**
   * Adds one round trip. The sample with the shortest one is believed: the less time the
   * messages spent in queues, the less the two ways can differ (RFC 5905, section 10).
   *
   * @param {number} sentMs when the ping left, this clock.
   * @param {number} receivedMs when the pong came, this clock.
   * @param {number} remoteMs when it was answered, the other clock.
   */
  add(sentMs, receivedMs, remoteMs) {
    const sample = { rttMs: receivedMs - sentMs, offsetMs: remoteMs - (sentMs + receivedMs) / 2 };
    if (!Number.isFinite(sample.offsetMs) || sample.rttMs < 0) return;
    this.#samples.push(sample);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }

  /** What to add to this clock to read the other; null before the first round trip. */
  get offsetMs() {
    if (this.#samples.length === 0) return null;
    return this.#samples.reduce((best, one) => (one.rttMs < best.rttMs ? one : best)).offsetMs;
  }
}
