import assert from "node:assert/strict";
import { test } from "node:test";
import { RoomToken } from "../../web/js/token.js";

const history = { shown: [], replaceState: (state, title, address) => history.shown.push(address) };
const at = (search, hash) => ({ pathname: "/", search, hash });

test("a token stands behind the #, or else in the query", () => {
  assert.deepEqual(new RoomToken(at("", ""), history).asFields(), {});
  assert.deepEqual(new RoomToken(at("?token=b", ""), history).asFields(), { token: "b" });
  assert.deepEqual(new RoomToken(at("?token=b", "#token=a"), history).asFields(), { token: "a" });
});

test("a newer one takes its place, in the address too, and leaves the query", () => {
  const token = new RoomToken(at("?room=blue&token=b", ""), history);
  token.renew("v1.x-_.y=");
  assert.deepEqual(token.asFields(), { token: "v1.x-_.y=" });
  assert.deepEqual(history.shown, ["/?room=blue#token=v1.x-_.y%3D"]);
});
