/** One call as a viewer: joins the room, follows its renderer, and knows how it goes. */

import { backoffMs } from "./backoff.js";
import { unixMs } from "./clock.js";
import { FrameMatcher } from "./latency.js";
import { Peer } from "./peer.js";
import { Picture } from "./picture.js";
import { Signaling } from "./signaling.js";
import { callState, STATES } from "./state.js";
import { StatsChannel } from "./stats.js";

const FLOWING_MS = 1000;

export class Call {
  /** The `detail` of a refusal, in the server's words; null when there is none. */
  refusal = null;
  frames = new FrameMatcher();
  #token;
  #video;
  #onEnding;
  #picture;
  #signaling;
  #socket = "connecting";
  #iceServers = [];
  #renderer = null; // its peer id while paired
  #hadRenderer = false;
  #peer = null;
  #connected = false;
  #channel = null;
  #failures = 0; // connections that failed since the last one that worked

  /**
   * @param {string} url of the signaling WebSocket.
   * @param {{room: string, participant: string|null, token: RoomToken}} seat where to join, whose
   *     portrait to show (null for anybody's), and the permission to.
   * @param {HTMLVideoElement} video shows the portrait.
   * @param {() => void} onEnding called just before the stream in `video` ends.
   */
  constructor(url, { room, participant, token }, video, onEnding) {
    this.#token = token;
    this.#video = video;
    this.#onEnding = onEnding;
    this.#picture = new Picture(video, (rtp, displayMs) => this.frames.display(rtp, displayMs));
    const join = { type: "join", room, role: "viewer" };
    if (participant !== null) join.participant = participant;
    this.#signaling = new Signaling(url, () => ({ ...join, ...token.asFields() }), {
      socket: (state) => this.#socketChanged(state),
      message: (message) => this.#receive(message),
      refused: (text) => {
        this.#socket = "open"; // the server is there, and has spoken
        this.refusal = text;
      },
    });
  }

  /** The call's state, a key of STATES. */
  get state() {
    const nowMs = performance.now();
    return callState({
      socket: this.#socket,
      refused: this.refusal !== null,
      paired: this.#renderer !== null,
      hadRenderer: this.#hadRenderer,
      connected: this.#connected,
      reported: this.#channel?.stats?.state ?? null,
      statsAgeMs: nowMs - this.measuredMs,
      pictureAgeMs: this.#picture.ageMs,
    });
  }

  /** Whether the picture follows the speaker, which it may do without the server. */
  get live() {
    const state = this.state;
    if (state !== "server_lost") return STATES[state].live;
    const reported = STATES[this.#channel?.stats?.state];
    return Boolean(reported?.live) && (this.#picture.ageMs ?? Infinity) < FLOWING_MS;
  }

  /**
   * The renderer's last figures and this page's own; null for what is not measured. While a
   * pose is held, the time since its capture says nothing about the connection.
   */
  get figures() {
    const offsetMs = this.live ? this.#channel.clock.offsetMs : null;
    return {
      ...this.#channel?.stats,
      displayed_fps: this.#picture.perSecond(),
      latency_ms: this.frames.latencyMs(unixMs(performance.now()), offsetMs),
    };
  }

  /** When the renderer last sent figures, on `performance.now()`. */
  get measuredMs() {
    return this.#channel?.heardMs ?? -Infinity;
  }

  requestSize(size) {
    this.#channel?.requestSize(size);
  }

  #socketChanged(state) {
    this.#socket = state;
    // The connection to the renderer does not need the server: it stays until a new one comes.
    if (state === "open") this.refusal = null;
  }

  #receive(message) {
    if (message.type === "joined") {
      this.#renew(message);
      this.#unpair();
    } else if (message.type === "renewed") {
      this.#renew(message);
    } else if (message.type === "pair") {
      this.#pair(message.peer);
    } else if (message.type === "unpair" && message.peer === this.#renderer) {
      this.#unpair();
    } else if (message.type === "signal" && message.from === this.#renderer) {
      this.#peer?.receive(message.data);
    }
  }

  #renew({ ice_servers: iceServers, token }) {
    this.#iceServers = iceServers;
    if (token !== undefined) this.#token.renew(token);
  }

  #pair(renderer) {
    this.#unpair();
    this.#renderer = renderer;
    this.#hadRenderer = true;
    this.frames = new FrameMatcher(); // another stream counts RTP time from another origin
    const send = (data) => this.#signaling.send({ type: "signal", to: renderer, data });
    this.#peer = new Peer(this.#iceServers, send, {
      stream: (stream) => this.#show(stream),
      channel: (channel) => this.#follow(channel),
      connected: () => {
        this.#failures = 0;
        this.#connected = true;
      },
      interrupted: () => (this.#connected = false),
      failed: () => this.#failed(renderer),
    });
  }

  #failed(renderer) {
    this.#connected = false;
    const again = () => renderer === this.#renderer && this.#signaling.rejoin();
    setTimeout(again, backoffMs(this.#failures++, Math.random()));
  }

  #show(stream) {
    this.#video.srcObject = stream;
    this.#picture.reset(); // a last frame of the old stream may have come after its end
  }

  #follow(channel) {
    this.#channel?.close();
    this.#channel = new StatsChannel(channel, (frames) => this.frames.announce(frames));
  }

  #unpair() {
    this.#renderer = null;
    this.#connected = false;
    if (this.#peer !== null) this.#onEnding();
    this.#picture.reset();
    this.#peer?.close();
    this.#channel?.close();
    this.#peer = this.#channel = null;
  }
}
