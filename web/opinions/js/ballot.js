/** The answers to one pair, and what keys do to them. Knows nothing of the page. */

/** ITU-T P.910, absolute category rating. */
export const SCALE = ["Bad", "Poor", "Fair", "Good", "Excellent"];

/** @typedef {{a: number|null, b: number|null, preference: "a"|"b"|"none"|null, marked: "a"|"b"}} Ballot */

/** @returns {Ballot} */
export function emptyBallot() {
  return { a: null, b: null, preference: null, marked: "a" };
}

/** What the server stored, as answers. */
export function fromVote(vote) {
  return { a: vote.score_a, b: vote.score_b, preference: vote.preference, marked: "a" };
}

/** The answers as the server wants them. */
export function toVote(ballot, pixelScale) {
  return {
    score_a: ballot.a,
    score_b: ballot.b,
    preference: ballot.preference,
    pixel_scale: pixelScale,
  };
}

/** A score for one of the two; the other one is marked for the next digit. */
export function scored(ballot, clip, score) {
  return { ...ballot, [clip]: score, marked: clip === "a" ? "b" : "a" };
}

/** The answers after a key, or the same object if the key means nothing here. */
export function pressed(ballot, key) {
  if (/^[1-5]$/.test(key)) return scored(ballot, ballot.marked, Number(key));
  const preference = { a: "a", b: "b", n: "none" }[key.toLowerCase()];
  return preference ? { ...ballot, preference } : ballot;
}

/** What is still to answer, in words; empty when nothing is. */
export function missing(ballot) {
  if (ballot.a === null && ballot.b === null) return "Rate both videos.";
  if (ballot.a === null) return "Rate video A.";
  if (ballot.b === null) return "Rate video B.";
  return ballot.preference === null ? "Say which one you would rather have." : "";
}
