/** The program behind the page: one function for each request. */

/** Refused with a reason that can be shown. */
export class Refusal extends Error {}

/** The program does not answer any more. */
export class Gone extends Error {}

export const state = () => ask("state");
export const begin = () => ask("recording", { method: "POST" });
export const learn = () => ask("learn", { method: "POST" });
export const restart = () => ask("restart", { method: "POST" });

/** @param {boolean} keep the recording, beside the result. */
export const accept = (keep) => ask("accept", { method: "POST", body: JSON.stringify({ keep }) });

/** @param {Blob} jpeg a frame of the camera. @returns {Promise<{code: string, text: string}>} */
export const look = (jpeg) => ask("look", { method: "POST", body: jpeg });

/** @param {number} number of the piece, from 0. @param {Blob} piece of the recording. */
export const add = (number, piece) => ask(`recording/${number}`, { method: "PUT", body: piece });

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    throw new Gone("no answer", { cause: error });
  }
  const document = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(document.message ?? `answer ${answer.status}`);
  return document;
}
