/** Two videos played as one: loaded whole, begun together, held together. */

const TOLERATED_S = 0.01;
const CORRECTION = 0.15;
const JUMP_S = 0.3;

export class Player {
  #videos;
  #urls = [];
  #onEnd;
  #ended = 0;
  #load = 0;

  /**
   * @param {HTMLVideoElement[]} videos the two
   * @param {() => void} onEnd called when both have come to their end
   */
  constructor(videos, onEnd) {
    this.#videos = videos;
    this.#onEnd = onEnd;
    for (const video of videos) {
      video.addEventListener("ended", () => {
        this.#ended += 1;
        if (this.#ended === videos.length) this.#onEnd();
      });
    }
    const step = () => {
      this.#keepTogether();
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /**
   * Puts two videos in place, each from memory, so that nothing can stall.
   * @param {Blob[]} blobs
   * @returns {Promise<boolean>} false if others have been put in place meanwhile
   */
  async show(blobs) {
    const load = ++this.#load;
    this.#urls.forEach((url) => URL.revokeObjectURL(url));
    this.#urls = blobs.map((blob) => URL.createObjectURL(blob));
    await Promise.all(this.#videos.map((video, side) => loaded(video, this.#urls[side])));
    return load === this.#load;
  }

  /** From the beginning, both at once. */
  async play() {
    this.#ended = 0;
    for (const video of this.#videos) {
      video.pause();
      video.playbackRate = 1;
    }
    await Promise.all(this.#videos.map(rewound));
    await Promise.all(this.#videos.map((video) => video.play()));
  }

  stop() {
    this.#videos.forEach((video) => video.pause());
  }

  /** The second one runs a little faster or slower until it shows what the first one shows. */
  #keepTogether() {
    const [first, second] = this.#videos;
    if (first.paused || second.paused || first.ended || second.ended) return;
    const aheadS = first.currentTime - second.currentTime;
    if (Math.abs(aheadS) > JUMP_S) second.currentTime = first.currentTime;
    const wanted = Math.abs(aheadS) > TOLERATED_S ? 1 + Math.sign(aheadS) * CORRECTION : 1;
    if (second.playbackRate !== wanted) second.playbackRate = wanted;
  }
}

function loaded(video, url) {
  return new Promise((done, failed) => {
    video.onloadeddata = () => done();
    video.onerror = () => failed(new Error("This browser cannot play the videos (H.264 in MP4)."));
    video.src = url;
    video.load();
  });
}

function rewound(video) {
  if (video.currentTime === 0) return Promise.resolve();
  return new Promise((done) => {
    video.addEventListener("seeked", done, { once: true });
    video.currentTime = 0;
  });
}
