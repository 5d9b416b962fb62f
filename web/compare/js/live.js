/** The connection that brings pictures and figures, and takes wishes; it comes back by itself. */

const RETRY_MS = 1000;

export class Live {
  #socket = null;
  #pictures;
  #figures;
  #lost;

  /**
   * @param {(stream: number, bitmap: ImageBitmap) => void} pictures gets each picture.
   * @param {(figures: object) => void} figures gets the figures, twice a second.
   * @param {() => void} lost told when the connection is gone.
   */
  constructor(pictures, figures, lost) {
    this.#pictures = pictures;
    this.#figures = figures;
    this.#lost = lost;
    this.#connect();
  }

  /** Asks for something; nothing happens while there is no connection. */
  wish(what) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(what));
  }

  #connect() {
    this.#socket = new WebSocket(new URL("/live", location.href.replace(/^http/, "ws")));
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("message", ({ data }) => this.#take(data));
    this.#socket.addEventListener("close", () => {
      this.#lost();
      setTimeout(() => this.#connect(), RETRY_MS);
    });
  }

  async #take(data) {
    if (typeof data === "string") {
      const message = JSON.parse(data);
      if (message.error) console.error("nerfcall:", message.error);
      else this.#figures(message);
      return;
    }
    const [stream] = new Uint8Array(data, 0, 1);
    const blob = new Blob([new Uint8Array(data, 1)], { type: "image/bmp" });
    this.#pictures(stream, await createImageBitmap(blob));
  }
}
