/** The connection to the renderer: answers its offer, hands out the picture and the channel. */

const GATHERING_MS = 1000;
const SETUP_MS = 15000;
const DISCONNECTED_MS = 4000;

export class Peer {
  #connection;
  #send;
  #on;
  #timer;
  #answered = false;
  #closed = false;
  #failed = false;

  /**
   * @param {RTCIceServer[]} iceServers
   * @param {(data: object) => void} send gets session data to the renderer.
   * @param {object} on callbacks: `stream(MediaStream)`, `channel(RTCDataChannel)`,
   *     `connected()`, `interrupted()`, and `failed()` once when it will not work any more; the
   *     connection is then still to be closed.
   */
  constructor(iceServers, send, on) {
    this.#send = send;
    this.#on = on;
    const connection = (this.#connection = new RTCPeerConnection({ iceServers }));
    const stream = new MediaStream();
    connection.ontrack = ({ track, receiver }) => {
      // The renderer has its own jitter buffer: a second one here would only add delay.
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      stream.addTrack(track);
      if (track.kind === "video") this.#on.stream(stream);
    };
    connection.ondatachannel = ({ channel }) => this.#on.channel(channel);
    connection.onicecandidate = ({ candidate }) => {
      if (this.#answered && candidate?.candidate) this.#sendCandidate(candidate);
    };
    connection.onconnectionstatechange = () => this.#stateChanged();
    this.#failIn(SETUP_MS);
  }

  /** Takes session data from the renderer. */
  async receive(data) {
    try {
      if (data.kind === "offer") await this.#answer(data.sdp);
      else if (data.kind === "candidate") await this.#addCandidate(data);
    } catch (error) {
      if (this.#closed) return;
      console.error("nerfcall: session data refused:", error);
      this.#fail();
    }
  }

  /** Ends the connection; no callback comes any more. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#connection.close();
  }

  async #answer(sdp) {
    const connection = this.#connection;
    await connection.setRemoteDescription({ type: "offer", sdp });
    await connection.setLocalDescription(await connection.createAnswer());
    await gathered(connection);
    if (this.#closed) return;
    this.#answered = true;
    this.#send({ kind: "answer", sdp: connection.localDescription.sdp });
  }

  #sendCandidate(candidate) {
    this.#send({ kind: "candidate", sdp: candidate.candidate, mid: candidate.sdpMid });
  }

  async #addCandidate({ sdp, mid }) {
    await this.#connection.addIceCandidate({ candidate: sdp, sdpMid: mid ?? "0" });
  }

  #stateChanged() {
    if (this.#closed || this.#failed) return;
    const state = this.#connection.connectionState;
    if (state === "connected") {
      clearTimeout(this.#timer);
      this.#on.connected();
    } else if (state === "disconnected") {
      this.#on.interrupted();
      this.#failIn(DISCONNECTED_MS); // it may recover by itself
    } else if (state === "failed" || state === "closed") {
      this.#fail();
    }
  }

  #failIn(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(), ms);
  }

  #fail() {
    if (this.#closed || this.#failed) return;
    this.#failed = true;
    clearTimeout(this.#timer);
    this.#on.failed();
  }
}

/** Waits until all candidates are in the description, or for as long as is worth waiting. */
function gathered(connection) {
  if (connection.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, GATHERING_MS);
    connection.addEventListener("icegatheringstatechange", () => {
      if (connection.iceGatheringState === "complete") resolve();
    });
  });
}
