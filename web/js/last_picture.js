/** Keeps the last picture on screen when its stream ends; a <video> would turn black. */

export class LastPicture {
  #video;
  #canvas;

  /**
   * @param {HTMLVideoElement} video
   * @param {HTMLCanvasElement} canvas lies over the video while there is a picture to keep.
   */
  constructor(video, canvas) {
    this.#video = video;
    this.#canvas = canvas;
    video.addEventListener("loadeddata", () => (canvas.hidden = true));
  }

  /** To be called before the stream ends; without a picture does nothing. */
  keep() {
    const { videoWidth, videoHeight, readyState } = this.#video;
    if (readyState < HTMLMediaElement.HAVE_CURRENT_DATA || videoWidth === 0) return;
    this.#canvas.width = videoWidth;
    this.#canvas.height = videoHeight;
    this.#canvas.getContext("2d").drawImage(this.#video, 0, 0);
    this.#canvas.hidden = false;
  }
}
