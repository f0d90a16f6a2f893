// @ts-check
/** The fields that filter the list of results: words of the prompt, and the state. */

import { debounced, make } from "./dom.mjs";
import { STATES } from "./results.mjs";
import { word } from "./words.mjs";

const TYPING_MS = 250;

export class Filters {
  /** @param {() => void} changed called once typing pauses, and for another state at once */
  constructor(changed) {
    this.typed = debounced(changed, TYPING_MS);
    this.words = make("input", {
      type: "search",
      class: "g4i-field g4i-search",
      maxlength: 200,
      placeholder: word("search"),
      "aria-label": word("search"),
      oninput: () => this.typed(),
    });
    const options = STATES.map((state) => make("option", { value: state }, word(`state_${state}`)));
    this.states = make(
      "select",
      { class: "g4i-field", "aria-label": word("stateFilter"), onchange: changed },
      make("option", { value: "" }, word("allStates")),
      ...options,
    );
    this.element = make("div", { class: "g4i-line g4i-filters", role: "search" }, this.words, this.states);
  }

  destroy() {
    this.typed.cancel();
  }

  get text() {
    return this.words.value.trim();
  }

  /** "" for all. */
  get state() {
    return this.states.value;
  }

  get any() {
    return Boolean(this.text || this.state);
  }

  clear() {
    this.words.value = this.states.value = "";
  }
}
