/** The figures under the picture: what each is called, how it reads, and what it means. */

import { CauseBar } from "./causes.js";
import { Sparkline } from "./sparkline.js";

const FIGURES = [
  { key: "payload_kbps", label: "Payload", unit: "kbit/s", digits: 1, explain: "The speaker’s numbers, entropy-coded: all that the picture is made from." },
  { key: "wire_down_kbps", label: "Wire, down", unit: "kbit/s", digits: 1, causes: "wire_down_by_cause_kbps", explain: "All bytes from the speaker, IP headers included." },
  { key: "wire_up_kbps", label: "Wire, up", unit: "kbit/s", digits: 1, causes: "wire_up_by_cause_kbps", explain: "All bytes that go back to the speaker." },
  { key: "render_fps", label: "Rendered", unit: "fps", digits: 1, explain: "Frames drawn by the renderer." },
  { key: "displayed_fps", label: "Displayed", unit: "fps", digits: 1, explain: "Frames that reached this screen." },
  { key: "latency_ms", label: "Latency", unit: "ms", digits: 0, explain: "From the speaker’s camera to this screen, median." },
  { key: "frames_lost", label: "Frames lost", unit: "", digits: 0, explain: "On the way from the speaker, since it joined." },
];

/** A figure as text; a dash for what is not measured. */
export function formatFigure(value, digits) {
  return Number.isFinite(value) ? value.toFixed(digits) : "–";
}

/** Lost frames as a share of all that were sent, for people; empty when there is nothing to say. */
export function lostShare(lost, received) {
  const sent = lost + received;
  if (!Number.isFinite(sent) || sent <= 0) return "";
  return `${((100 * lost) / sent).toFixed(1)} %`;
}

export class FigureTable {
  #cells = new Map();
  #bars = new Map();
  #sparkline = new Sparkline();

  /** @param {HTMLElement} list a <dl>, filled here. */
  constructor(list) {
    for (const figure of FIGURES) {
      const [value, unit] = [element("span", "value", "–"), element("span", "unit", figure.unit)];
      const [term, reading] = [element("dt", "", figure.label), element("dd")];
      reading.append(value, unit);
      const card = element("div", "figure");
      card.append(term, reading, element("dd", "explain", figure.explain));
      if (figure.causes) {
        const bar = new CauseBar();
        const item = element("dd", "breakdown");
        item.append(bar.element);
        card.append(item);
        this.#bars.set(figure.causes, bar);
      }
      if (figure.key === "payload_kbps") card.append(this.#sparkline.element);
      list.append(card);
      this.#cells.set(figure.key, { value, unit, digits: figure.digits });
    }
  }

  show(figures) {
    for (const [key, cell] of this.#cells) {
      cell.value.textContent = formatFigure(figures[key], cell.digits);
    }
    for (const [key, bar] of this.#bars) bar.show(figures[key]);
    const share = lostShare(figures.frames_lost, figures.frames_received);
    this.#cells.get("frames_lost").unit.textContent = share;
  }

  /** Adds to the line of the payload; once for every measurement. */
  trace(payloadKbps) {
    if (Number.isFinite(payloadKbps)) this.#sparkline.add(payloadKbps);
  }
}

function element(name, className = "", text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}
