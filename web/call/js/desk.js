/** The WebSocket to the program on this computer; it comes back by itself. */

const RETRY_MS = 500;
const TAKEN_OVER = 4001;
const STRANGER = 4003;

export class Desk {
  #url;
  #secret;
  #on;
  #socket = null;

  /**
   * @param {string} url of the WebSocket.
   * @param {string} secret from the page's address.
   * @param {object} on callbacks: `message(object)`, and `closed(reason)` with "lost",
   *     "taken_over" or "stranger"; after "lost" it tries again.
   */
  constructor(url, secret, on) {
    this.#url = url;
    this.#secret = secret;
    this.#on = on;
    this.#connect();
  }

  /** Says something; while the program is away there is nobody to tell. */
  send(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connect() {
    const socket = (this.#socket = new WebSocket(this.#url));
    socket.onopen = () => this.send({ type: "enter", secret: this.#secret });
    socket.onmessage = ({ data }) => this.#on.message(JSON.parse(data));
    socket.onclose = ({ code }) => {
      if (code === TAKEN_OVER) return this.#on.closed("taken_over");
      if (code === STRANGER) return this.#on.closed("stranger");
      this.#on.closed("lost");
      setTimeout(() => this.#connect(), RETRY_MS);
    };
  }
}
