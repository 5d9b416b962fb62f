/** What the bytes on the wire are for, in words that people use, as one bar. */

const GROUPS = [
  { name: "portrait", causes: ["portrait"] },
  { name: "sound", causes: ["audio"] },
  { name: "headers", causes: ["ip_udp", "rtp", "sctp_dtls"] },
  { name: "control", causes: ["control", "acknowledgements", "rtcp", "stun"] },
];

/**
 * Sums rates by group; what no group knows is a header's.
 *
 * @param {Record<string, number>} kbps by cause, as in a `stats` message.
 * @returns {Array<{name: string, kbps: number, share: number}>} those that are there, shares of 1.
 */
export function grouped(kbps) {
  const known = new Set(GROUPS.flatMap(({ causes }) => causes));
  const sums = GROUPS.map(({ name, causes }) => ({
    name,
    kbps: causes.reduce((sum, cause) => sum + Math.max(0, kbps[cause] ?? 0), 0),
  }));
  for (const [cause, rate] of Object.entries(kbps)) {
    if (!known.has(cause)) sums.find(({ name }) => name === "headers").kbps += Math.max(0, rate);
  }
  const total = sums.reduce((sum, group) => sum + group.kbps, 0);
  return sums
    .filter((group) => group.kbps > 0)
    .map((group) => ({ ...group, share: group.kbps / total }));
}

/** The groups as a sentence part. */
export function spoken(groups) {
  return groups.map(({ name, kbps }) => `${name} ${kbps.toFixed(1)}`).join(" · ");
}

export class CauseBar {
  element = document.createElement("div");
  #bar = document.createElement("div");
  #legend = document.createElement("p");
  #parts = new Map();

  constructor() {
    this.element.className = "causes";
    this.#bar.className = "bar";
    this.#bar.setAttribute("aria-hidden", "true");
    for (const { name } of GROUPS) {
      const part = document.createElement("span");
      part.dataset.cause = name;
      this.#parts.set(name, part);
      this.#bar.append(part);
    }
    this.element.append(this.#bar, this.#legend);
  }

  /** @param {Record<string, number>|undefined} kbps by cause. */
  show(kbps = {}) {
    const groups = grouped(kbps);
    const shares = new Map(groups.map(({ name, share }) => [name, share]));
    for (const [name, part] of this.#parts) part.style.flexGrow = String(shares.get(name) ?? 0);
    const text = spoken(groups) || "nothing yet";
    if (this.#legend.textContent !== text) this.#legend.textContent = text;
  }
}
