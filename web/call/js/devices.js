/** Camera and microphone of the browser: which, whether they are on, and why they are not. */

const VIDEO = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25, max: 30 } };
const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

const REASONS = {
  NotAllowedError: (what) =>
    `The browser may not use the ${what}. Allow it beside the address above, then choose it again.`,
  NotFoundError: (what) => `No ${what} is found. Plug one in, and it appears here.`,
  NotReadableError: (what) => `Another program uses the ${what}. Close it, then choose it again.`,
};

/** Why a device does not work, in a sentence. */
export function reasonOf(what, error) {
  return REASONS[error.name]?.(what) ?? `The ${what} does not work: ${error.message}.`;
}

/** One kind of device. */
export class Device {
  /** What it delivers; null while it is off. */
  track = null;
  /** Why it is off although it was wanted, or null. */
  problem = null;
  #what;
  #kind;
  #onTrack;
  #wanted = 0; // counts wishes, so that a slow one does not overrule a later one

  /**
   * @param {"camera"|"microphone"} what
   * @param {(track: MediaStreamTrack|null) => void} onTrack told whenever it changes.
   */
  constructor(what, onTrack) {
    this.#what = what;
    this.#kind = what === "camera" ? "video" : "audio";
    this.#onTrack = onTrack;
  }

  /** @param {string} [deviceId] which one; any without. @returns whether it is on. */
  async open(deviceId) {
    const wish = ++this.#wanted;
    const wanted = {
      ...(this.#kind === "video" ? VIDEO : AUDIO),
      ...(deviceId ? { deviceId: { exact: deviceId } } : {}),
    };
    try {
      const media = navigator.mediaDevices;
      if (media === undefined) throw new Error("this page is not opened on this computer");
      const stream = await media.getUserMedia({ [this.#kind]: wanted });
      if (wish !== this.#wanted) {
        for (const late of stream.getTracks()) late.stop();
        return this.track !== null;
      }
      this.problem = null;
      this.#set(stream.getTracks()[0]);
    } catch (error) {
      if (wish === this.#wanted) {
        this.problem = reasonOf(this.#what, error);
        this.#set(null);
      }
    }
    return this.track !== null;
  }

  /** Turns it off; the light of a camera goes out. */
  close() {
    this.#wanted += 1;
    this.problem = null;
    this.#set(null);
  }

  /** All devices of the kind, the one in use marked. */
  async list() {
    const used = this.track?.getSettings().deviceId;
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return devices
      .filter(({ kind, deviceId }) => kind === `${this.#kind}input` && deviceId !== "")
      .map(({ deviceId, label }) => ({ deviceId, label, used: deviceId === used }));
  }

  #set(track) {
    if (this.track !== null) {
      this.track.onended = null;
      this.track.stop();
    }
    this.track = track;
    if (track !== null) {
      track.onended = () => {
        this.problem = `The ${this.#what} is gone.`;
        this.#set(null);
      };
    }
    this.#onTrack(track);
  }
}

/** How loud a track is, from 0 to 1; 0 without one. */
export class LevelMeter {
  #context = null;
  #source = null;
  #analyser = null;
  #samples = null;

  /** @param {MediaStreamTrack|null} track */
  follow(track) {
    this.#source?.disconnect();
    this.#source = null;
    if (track === null) return;
    this.#context ??= new AudioContext();
    this.#analyser ??= this.#context.createAnalyser();
    this.#samples ??= new Float32Array(this.#analyser.fftSize);
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
  }

  /** Root mean square of the last moment, on a scale that voices fill. */
  get level() {
    if (this.#source === null) return 0;
    // A page that nobody has touched may not listen either.
    if (this.#context.state === "suspended") this.#context.resume().catch(() => {});
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, x) => sum + x * x, 0) / this.#samples.length;
    return levelOf(power);
  }
}

/** Power of a wave (1: full scale) as a level: −60 dB and less are 0, −10 dB and more are 1. */
export function levelOf(power) {
  const db = 10 * Math.log10(Math.max(power, 1e-9));
  return Math.min(1, Math.max(0, (db + 60) / 50));
}
