/** The camera: which one, its picture, and why there is none. */

const WANTED = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25, max: 30 } };
const LOOK_PX = 480;

const REASONS = {
  NotAllowedError:
    "The browser may not use the camera. Allow it in the address bar, then load this page again.",
  NotFoundError: "No camera is found. Plug one in, then load this page again.",
  NotReadableError: "Another program uses the camera. Close it, then load this page again.",
};

/** Why there is no picture, in a sentence. */
export function reasonOf(error) {
  return REASONS[error.name] ?? `The camera does not work: ${error.message}.`;
}

export class Camera {
  #video;
  #canvas = document.createElement("canvas");

  /** @param {HTMLVideoElement} video shows it. */
  constructor(video) {
    this.#video = video;
  }

  /** The picture without sound, or null. */
  get stream() {
    return this.#video.srcObject;
  }

  /** @param {string} [deviceId] which one; any without. */
  async open(deviceId) {
    this.close();
    const device = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" };
    const video = { ...WANTED, ...device };
    this.#video.srcObject = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    await this.#video.play();
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.#video.srcObject = null;
  }

  /** All cameras, the one in use marked. */
  async list() {
    const used = this.stream?.getVideoTracks()[0]?.getSettings().deviceId;
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices
      .filter(({ kind }) => kind === "videoinput")
      .map(({ deviceId, label }) => ({ deviceId, label, used: deviceId === used }));
  }

  /** A small JPEG of what it sees now, or null. */
  async glance() {
    const { videoWidth, videoHeight } = this.#video;
    if (!videoWidth) return null;
    const scale = Math.min(1, LOOK_PX / videoHeight);
    this.#canvas.width = Math.round(videoWidth * scale);
    this.#canvas.height = Math.round(videoHeight * scale);
    const context = this.#canvas.getContext("2d");
    context.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    return new Promise((done) => this.#canvas.toBlob(done, "image/jpeg", 0.8));
  }
}
