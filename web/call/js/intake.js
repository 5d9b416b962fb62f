/** The connection that brings camera and microphone to the program, and one's avatar back. */

const GATHERING_MS = 500;
const MAX_BPS = 2_500_000;

export class Intake {
  #send;
  #onAvatar;
  #tracks;
  #connection = null;
  #senders = {};

  /**
   * @param {(data: object) => void} send gets session data to the program.
   * @param {(stream: MediaStream) => void} onAvatar gets one's own portrait.
   * @param {{video: MediaStreamTrack|null, audio: MediaStreamTrack|null}|null} tracks to begin
   *     with; null where the program has its own.
   */
  constructor(send, onAvatar, tracks) {
    this.#send = send;
    this.#onAvatar = onAvatar;
    this.#tracks = tracks;
  }

  /** Connects, in place of any connection before. */
  async connect() {
    this.#connection?.close();
    const connection = (this.#connection = new RTCPeerConnection());
    connection.ontrack = ({ track, receiver }) => {
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      this.#onAvatar(new MediaStream([track]));
    };
    connection.onconnectionstatechange = () => {
      if (connection === this.#connection && connection.connectionState === "failed") this.connect();
    };
    this.#senders = {};
    for (const kind of this.#tracks === null ? [] : ["video", "audio"]) {
      const transceiver = connection.addTransceiver(kind, { direction: "sendonly" });
      this.#senders[kind] = transceiver.sender;
      if (kind === "video") onlyVp8(transceiver);
      await transceiver.sender.replaceTrack(this.#tracks[kind]);
    }
    onlyVp8(connection.addTransceiver("video", { direction: "recvonly" }));
    await connection.setLocalDescription(await connection.createOffer());
    await gathered(connection);
    if (connection === this.#connection) {
      this.#send({ kind: "offer", sdp: connection.localDescription.sdp });
    }
  }

  /** Takes the program's answer. */
  async receive({ kind, sdp }) {
    const connection = this.#connection;
    if (kind !== "answer" || connection?.signalingState !== "have-local-offer") return;
    await connection.setRemoteDescription({ type: "answer", sdp });
    await this.#raise();
  }

  /** Sends another track from now on, or none. */
  async replace(kind, track) {
    if (this.#tracks === null) return;
    this.#tracks[kind] = track;
    await this.#senders[kind]?.replaceTrack(track);
  }

  /** The way is a few centimetres long: the picture need not be coarse. */
  async #raise() {
    const sender = this.#senders.video;
    if (sender === undefined) return;
    const parameters = sender.getParameters();
    if (!parameters.encodings?.length) return;
    parameters.encodings[0].maxBitrate = MAX_BPS;
    parameters.degradationPreference = "maintain-resolution";
    await sender.setParameters(parameters).catch(() => {}); // as good as the browser wants it
  }
}

function onlyVp8(transceiver) {
  const codecs = RTCRtpReceiver.getCapabilities("video").codecs;
  const wanted = codecs.filter(({ mimeType }) => /\/(vp8|rtx)$/i.test(mimeType));
  transceiver.setCodecPreferences?.(wanted);
}

function gathered(connection) {
  if (connection.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, GATHERING_MS);
    connection.addEventListener("icegatheringstatechange", () => {
      if (connection.iceGatheringState === "complete") resolve();
    });
  });
}
