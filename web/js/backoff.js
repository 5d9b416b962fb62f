/** Waiting times between attempts to reach something that is gone. */

const FIRST_MS = 500;
const LONGEST_MS = 8000;

/**
 * Doubles from half a second to eight; the spread keeps many pages from returning at once.
 *
 * @param {number} attempt failed attempts so far, from 0.
 * @param {number} random in [0, 1).
 * @returns {number} milliseconds to wait.
 */
export function backoffMs(attempt, random) {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt) * (0.75 + 0.5 * random);
}
