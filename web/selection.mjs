// @ts-check
/** The results that are ticked in the list, and the line that offers them as one zip. */

import { make, say } from "./dom.mjs";
import { downloadZip } from "./pictures.mjs";
import { word, words } from "./words.mjs";

const MOST = 100; // as many as the server puts into one zip

export class Selection {
  /** @param {() => void} cleared called when nothing is ticked any more */
  constructor(cleared) {
    /** @type {Set<string>} */
    this.ids = new Set();
    this.cleared = cleared;
    this.count = make("span", { role: "status" });
    this.element = make(
      "div",
      { class: "g4i-line g4i-selection" },
      this.count,
      make("button", { type: "button", class: "g4i-button", onclick: () => downloadZip([...this.ids]) }, word("downloadZip")),
      make("button", { type: "button", class: "g4i-button", onclick: () => this.clear() }, word("selectNone")),
    );
    this.element.hidden = true;
  }

  /** Gives whether it is ticked now. @param {string} id @param {boolean} on */
  set(id, on) {
    if (on && this.ids.size < MOST) this.ids.add(id);
    else this.ids.delete(id);
    this.#show();
    return this.ids.has(id);
  }

  clear() {
    this.ids.clear();
    this.#show();
    this.cleared();
  }

  #show() {
    say(this.count, words("selected", this.ids.size));
    this.element.hidden = this.ids.size === 0;
  }
}
