/** Talks to the server: who this is, which pairs there are, their videos, and the votes. */

const STORED_NAME = "participant";

export class Booth {
  #participant;
  #videos = new Map();

  /** @param {string|null} given a name out of the page's address; it wins over a stored one */
  constructor(given) {
    this.#participant = given ?? localStorage.getItem(STORED_NAME);
  }

  /** The pairs in this participant's order, with the votes cast so far. */
  async open() {
    if (!this.#participant) {
      const { participant } = await asked("/participants", { method: "POST" });
      this.#participant = participant;
      localStorage.setItem(STORED_NAME, participant);
    }
    return asked(`/participants/${encodeURIComponent(this.#participant)}`);
  }

  /** Makes room for somebody else in this browser. */
  forget() {
    localStorage.removeItem(STORED_NAME);
  }

  /** Both videos of a pair, as blobs; asked for once, so that the next pair can be had early. */
  videos(number, trial) {
    if (!this.#videos.has(number)) {
      const both = Promise.all([trial.a, trial.b].map(fetched));
      both.catch(() => this.#videos.delete(number)); // to be asked for again
      this.#videos.set(number, both);
      for (const held of this.#videos.keys()) {
        if (Math.abs(held - number) > 1) this.#videos.delete(held);
      }
    }
    return this.#videos.get(number);
  }

  /** Stores a vote; resolves when it is on the server's disk. */
  async cast(number, vote) {
    const path = `/participants/${encodeURIComponent(this.#participant)}/trials/${number}/vote`;
    return asked(path, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(vote),
    });
  }
}

async function asked(path, options) {
  const answer = await reached(path, options);
  const document = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(`The server answers: ${document.message ?? answer.status}`);
  return document;
}

async function fetched(path) {
  const answer = await reached(path);
  if (!answer.ok) throw new Error(`The server has no such video (${answer.status}).`);
  return answer.blob();
}

async function reached(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    throw new Error("The server cannot be reached. Your answers so far are safe.");
  }
}
