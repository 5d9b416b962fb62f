/** Two curves of PSNR over the last minute. */

const SPAN_MS = 60_000;
const WIDTH = 600;
const HEIGHT = 120;
const STEP_DB = 5;
const GAP_MS = 1500; // without a value: the curve begins anew

export class Course {
  #svg;
  #range;
  #points = { ours: [], classic: [] };
  #lines = {};

  /**
   * @param {SVGElement} svg
   * @param {HTMLElement} range says what the edges mean.
   */
  constructor(svg, range) {
    this.#svg = svg;
    this.#range = range;
    for (const name of Object.keys(this.#points)) {
      const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
      line.setAttribute("class", name);
      this.#lines[name] = svg.appendChild(line);
    }
  }

  /** Adds what the streams have now, in dB; null: nothing. */
  add(nowMs, values) {
    const all = [];
    for (const [name, points] of Object.entries(this.#points)) {
      if (values[name] !== null) points.push([nowMs, values[name]]);
      while (points.length && points[0][0] < nowMs - SPAN_MS) points.shift();
      all.push(...points.map(([, db]) => db));
    }
    if (all.length === 0) return;
    const low = Math.floor((Math.min(...all) - 1) / STEP_DB) * STEP_DB;
    const high = Math.ceil((Math.max(...all) + 1) / STEP_DB) * STEP_DB;
    this.#range.textContent = `${low} to ${high} dB`;
    for (const [name, points] of Object.entries(this.#points)) {
      const text = points.map(([ms, db], i) => {
        const x = WIDTH * (1 - (nowMs - ms) / SPAN_MS);
        const y = HEIGHT * (1 - (db - low) / (high - low));
        const begins = i === 0 || ms - points[i - 1][0] > GAP_MS;
        return `${begins ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
      });
      this.#lines[name].setAttribute("d", text.join(""));
    }
  }
}
