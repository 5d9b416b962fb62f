/** The panel of figures: what each is called, how it reads, and all of them as a file. */

import { CauseBar } from "../../js/causes.js";
import { Sparkline } from "../../js/sparkline.js";
import { quality } from "./state.js";

const KEEP = 7200; // samples, one a second: two hours
const LOSS_WINDOW = 10;

const ROWS = [
  { key: "quality", label: "Quality", unit: "" },
  { key: "sent_kbps", label: "You send", unit: "kbit/s", digits: 1, causes: true },
  { key: "received_kbps", label: "You receive", unit: "kbit/s", digits: 1, causes: true, line: true },
  { key: "megabytes", label: "So far, both ways", unit: "MB", digits: 2 },
  { key: "latency_ms", label: "Delay, camera to screen", unit: "ms", digits: 0 },
  { key: "loss", label: "Lost lately", unit: "%", digits: 1 },
  { key: "fps", label: "Pictures", unit: "a second", digits: 0 },
];

export class Statistics {
  #cells = new Map();
  #bars = new Map();
  #sparkline = new Sparkline();
  #samples = [];

  /** @param {HTMLElement} list a <dl>, filled here. */
  constructor(list) {
    for (const row of ROWS) {
      const [card, term, value] = ["div", "dt", "dd"].map((name) => document.createElement(name));
      const [text, unit] = [document.createElement("span"), document.createElement("small")];
      term.textContent = row.label;
      text.textContent = "–";
      unit.textContent = row.unit;
      value.append(text, unit);
      card.append(term, value);
      if (row.causes) {
        const bar = new CauseBar();
        const item = document.createElement("dd");
        item.append(bar.element);
        card.append(item);
        this.#bars.set(row.key, bar);
      }
      if (row.line) card.append(this.#sparkline.element);
      list.append(card);
      this.#cells.set(row.key, { text, digits: row.digits });
    }
  }

  /**
   * Adds what is known; once a second.
   *
   * @param {object} sample `state`, `live`, `costs` (of the program's state), `stats` (the
   *     receiver's), `latencyMs`, `fps`.
   */
  add(sample) {
    const { costs, stats } = sample;
    const kept = {
      unix_ms: Date.now(),
      state: sample.state,
      sent_kbps: total(costs?.sent_kbps),
      received_kbps: total(costs?.received_kbps),
      sent_by_cause_kbps: costs?.sent_kbps ?? {},
      received_by_cause_kbps: costs?.received_kbps ?? {},
      sent_bytes: costs?.sent_bytes ?? 0,
      received_bytes: costs?.received_bytes ?? 0,
      latency_ms: sample.latencyMs,
      fps: sample.fps,
      guessed_fps: stats?.guessed_fps ?? 0,
      frames_received: stats?.frames_received ?? 0,
      frames_lost: stats?.frames_lost ?? 0,
      av_skew_p95_ms: stats?.av_skew_p95_ms ?? null,
      size: stats?.size ?? null,
    };
    this.#samples.push(kept);
    if (this.#samples.length > KEEP) this.#samples.shift();
    const lossShare = lossOf(this.#samples.slice(-LOSS_WINDOW));
    this.#show({
      ...kept,
      megabytes: (kept.sent_bytes + kept.received_bytes) / 1e6,
      loss: 100 * lossShare,
      quality: quality({
        lossShare,
        latencyMs: kept.latency_ms,
        guessedFps: kept.guessed_fps,
        live: sample.live,
      }),
    });
    this.#bars.get("sent_kbps").show(kept.sent_by_cause_kbps);
    this.#bars.get("received_kbps").show(kept.received_by_cause_kbps);
    this.#sparkline.add(kept.received_kbps);
  }

  /** Everything that was measured, as JSON. */
  get json() {
    return JSON.stringify({ nerfcall: "statistics", samples: this.#samples }, null, 1);
  }

  #show(values) {
    for (const [key, { text, digits }] of this.#cells) {
      const value = values[key];
      const shown = typeof value === "string" ? value : Number.isFinite(value) ? value.toFixed(digits) : "–";
      if (text.textContent !== shown) text.textContent = shown;
    }
  }
}

/** The sum of rates by cause. */
export function total(kbps = {}) {
  return Object.values(kbps).reduce((sum, rate) => sum + Math.max(0, rate), 0);
}

/** The share of frames that were lost between the first and the last sample. */
export function lossOf(samples) {
  if (samples.length < 2) return 0;
  const [first, last] = [samples[0], samples.at(-1)];
  const lost = Math.max(0, last.frames_lost - first.frames_lost);
  const received = Math.max(0, last.frames_received - first.frames_received);
  return lost + received === 0 ? 0 : lost / (lost + received);
}
