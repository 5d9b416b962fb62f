/** The chat's panel. */

export class Chat {
  /** Lines of the other's that came while the panel was closed. */
  unread = 0;
  #list;
  #seen = 0;

  /**
   * @param {HTMLElement} list an <ol> that gets the lines.
   * @param {HTMLFormElement} form
   * @param {(text: string) => void} say
   */
  constructor(list, form, say) {
    this.#list = list;
    const input = form.querySelector("input");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (input.value.trim() === "") return;
      say(input.value);
      input.value = "";
    });
  }

  /** Shows a line, unless it is shown already: a reloaded page is told everything again. */
  add({ number, mine, text, unix_ms }, open) {
    if (number <= this.#seen) return;
    this.#seen = number;
    const line = document.createElement("li");
    line.dataset.mine = String(mine);
    const time = document.createElement("time");
    time.dateTime = new Date(unix_ms).toISOString();
    time.textContent = new Date(unix_ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const who = document.createElement("b");
    who.textContent = mine ? "You" : "They";
    const said = document.createElement("p");
    said.textContent = text;
    line.append(who, time, said);
    this.#list.append(line);
    line.scrollIntoView({ block: "nearest" });
    if (!open && !mine) this.unread += 1;
  }

  /** Another call begins. */
  clear() {
    this.#list.replaceChildren();
    this.unread = 0;
  }
}
