/** Records a stream and sends it away in pieces while it goes on. */

const TYPES = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];
const BITS_PER_SECOND = 5_000_000;
const PIECE_MS = 1000;
const TICK_MS = 100;

export class Recorder {
  #recorder;
  #send;
  #sent = Promise.resolve();
  #number = 0;
  #timer;
  #failed = null;

  /**
   * @param {MediaStream} stream
   * @param {(number: number, piece: Blob) => Promise<void>} send gets the pieces, one by one.
   */
  constructor(stream, send) {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    this.#recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: BITS_PER_SECOND });
    this.#send = send;
  }

  /**
   * Records; resolves when all is sent, or with an error when it could not be.
   *
   * @param {number} seconds
   * @param {(recorded: number) => void} onTime told the seconds so far.
   */
  run(seconds, onTime) {
    return new Promise((resolve, reject) => {
      const recorder = this.#recorder;
      recorder.ondataavailable = ({ data }) => data.size && this.#queue(data);
      recorder.onerror = ({ error }) => reject(error);
      recorder.onstop = () => {
        clearInterval(this.#timer);
        this.#sent.then(() => (this.#failed ? reject(this.#failed) : resolve()));
      };
      recorder.start(PIECE_MS);
      const began = performance.now();
      this.#timer = setInterval(() => {
        const recorded = (performance.now() - began) / 1000;
        onTime(Math.min(recorded, seconds));
        if (recorded >= seconds || this.#failed) this.stop();
      }, TICK_MS);
    });
  }

  stop() {
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
  }

  #queue(piece) {
    const number = this.#number++;
    this.#sent = this.#sent
      .then(() => this.#failed ?? this.#send(number, piece))
      .catch((error) => (this.#failed = error));
  }
}
