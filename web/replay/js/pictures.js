/** Fetches the picture that is due, one at a time, and draws it when its moment has come. */

const SMOOTHING = 0.2;
const WARMING = 3; // pictures of a size whose cost says nothing yet: the first are slower
const KNOWN = 10;

export class Pictures {
  #canvas;
  #loading = null;
  #next = null; // a picture whose moment has not come
  #serial = 0;
  #drawn = 0; // of the present size

  /** How long a picture of the present size takes, in milliseconds; null before any. */
  costMs = null;
  /** What is on the canvas: {startMs, endMs, size, tracking}; null before the first. */
  shown = null;
  /** Why there is none. */
  failure = null;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
  }

  /** Whether the cost is known well enough to choose a size by. */
  get isCostKnown() {
    return this.#drawn >= KNOWN;
  }

  /** Jumps: what is being fetched is no longer wanted. */
  forget() {
    this.#loading?.abort();
    this.#loading = this.#next = null;
    this.#serial += 1;
  }

  /**
   * Shows what is due, and asks for what will be.
   *
   * @param {number} nowMs of the call.
   * @param {number} rate milliseconds of the call in one; 0 while it stands still.
   * @param {number} size of the picture to ask for.
   */
  follow(nowMs, rate, size) {
    if (this.#next !== null && nowMs >= this.#next.startMs - 5) this.#draw();
    if (this.#loading !== null || this.#next !== null) return;
    const thenMs = nowMs + (this.costMs ?? 0) * rate;
    const { startMs, endMs, size: side } = this.shown ?? { startMs: Infinity };
    // The first picture of a call is shown from its beginning on.
    const isShown = (thenMs >= startMs || this.shown?.isFirst) && thenMs < (endMs ?? Infinity);
    if (!isShown || side !== size) this.#load(thenMs, size);
  }

  async #load(atMs, size) {
    const loading = (this.#loading = new AbortController());
    const serial = this.#serial;
    const beganMs = performance.now();
    try {
      const url = `/picture?at_ms=${Math.max(0, Math.round(atMs))}&size=${size}`;
      const answer = await fetch(url, { signal: loading.signal });
      if (!answer.ok) throw new Error(await answer.text());
      const bitmap = await createImageBitmap(await answer.blob());
      if (serial !== this.#serial) return bitmap.close();
      this.#weigh(performance.now() - beganMs, size);
      const startMs = Number(answer.headers.get("X-Start-Ms"));
      this.#next = {
        bitmap,
        startMs,
        endMs: answer.headers.has("X-End-Ms") ? Number(answer.headers.get("X-End-Ms")) : null,
        tracking: answer.headers.get("X-Tracking"),
        isFirst: atMs < startMs,
        size,
      };
      if (this.#next.isFirst || this.shown === null) this.#draw();
      this.failure = null;
    } catch (error) {
      if (error.name !== "AbortError") this.failure = error;
    } finally {
      if (this.#loading === loading) this.#loading = null;
    }
  }

  #weigh(tookMs, size) {
    if (size !== this.shown?.size) this.#drawn = 0;
    this.#drawn += 1;
    const costMs = this.#drawn <= WARMING || this.costMs === null ? tookMs : this.costMs;
    this.costMs = costMs + SMOOTHING * (tookMs - costMs);
  }

  #draw() {
    const { bitmap, ...shown } = this.#next;
    this.#next = null;
    if (this.#canvas.width !== shown.size) this.#canvas.width = this.#canvas.height = shown.size;
    this.#canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    this.shown = shown;
  }
}
