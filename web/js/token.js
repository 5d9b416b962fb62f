/** The permission to be in a room, from the page's address, kept new there for a reload. */

export class RoomToken {
  #location;
  #history;
  #token;

  /**
   * Behind the # no server ever sees it; in the query it may end in a log, but works too.
   *
   * @param {Location} location of the page.
   * @param {History} history of the page.
   */
  constructor(location, history) {
    this.#location = location;
    this.#history = history;
    this.#token =
      new URLSearchParams(location.hash.slice(1)).get("token") ??
      new URLSearchParams(location.search).get("token");
  }

  /** What a `join` says of it; nothing where no token is needed. */
  asFields() {
    return this.#token === null ? {} : { token: this.#token };
  }

  /** Takes a newer one, and keeps it behind the # alone. */
  renew(token) {
    this.#token = token;
    const query = new URLSearchParams(this.#location.search);
    query.delete("token");
    const search = query.size > 0 ? `?${query}` : "";
    const hash = new URLSearchParams({ token });
    this.#history.replaceState(null, "", `${this.#location.pathname}${search}#${hash}`);
  }
}
