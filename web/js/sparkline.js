/** A small line of the last minute's values. */

const POINTS = 120;
const WIDTH = 100;
const HEIGHT = 24;

/** The path (SVG `points`) of values from 0 to at least 1, newest at the right. */
export function sparklinePoints(values) {
  const top = Math.max(1, ...values);
  return values
    .map((value, i) => {
      const x = WIDTH - (values.length - 1 - i) * (WIDTH / (POINTS - 1));
      return `${x.toFixed(1)},${(HEIGHT * (1 - value / top)).toFixed(1)}`;
    })
    .join(" ");
}

export class Sparkline {
  element = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  #line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  #values = [];

  constructor() {
    this.element.setAttribute("class", "sparkline");
    this.element.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.element.setAttribute("preserveAspectRatio", "none");
    this.element.setAttribute("aria-hidden", "true");
    this.#line.setAttribute("vector-effect", "non-scaling-stroke");
    this.element.append(this.#line);
  }

  add(value) {
    this.#values.push(value);
    if (this.#values.length > POINTS) this.#values.shift();
    this.#line.setAttribute("points", sparklinePoints(this.#values));
  }
}
