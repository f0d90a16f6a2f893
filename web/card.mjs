// @ts-check
/** The card of one result: its thumbnail, state, price and buttons. */

import { startDrag } from "./dragging.mjs";
import { iconButton, make, say, set } from "./dom.mjs";
import { fullTime, money, percentage, shortTime } from "./format.mjs";
import { thumbnail } from "./pictures.mjs";
import { canFetch, stateOf } from "./results.mjs";
import { language, word } from "./words.mjs";

/**
 * @typedef {import("./results.mjs").Item} Item
 *
 * What the buttons of a card do.
 * @typedef {object} Actions
 * @property {(item: Item) => void} open
 * @property {(item: Item) => void} addNode
 * @property {(item: Item) => void} fetch
 * @property {(item: Item) => void} copyPrompt
 * @property {(item: Item) => void} copyLinks
 * @property {(item: Item) => void} openGraph
 * @property {(item: Item) => void} download
 * @property {(item: Item, on: boolean) => boolean} select gives whether it is ticked now
 * @property {(id: string) => boolean} ticked
 */

/** What the call cost, in words. @param {Item} item */
function price(item) {
  if (item.billed === "no") return word("notBilled");
  if (item.cost_usd === null) return word("priceUnknown");
  const usd = money(item.cost_usd, language());
  return item.billed === "unknown" && item.state !== "running" ? word("maybeBilled", { price: usd }) : usd;
}

/** The state in words, with the reason of a failure. @param {Item} item */
function stateInWords(item) {
  const state = stateOf(item);
  if (state === "partly") return word("state_partly", { stored: item.stored.length, pictures: item.pictures });
  if (state === "running" && item.percent !== null) {
    return word("runningAt", { percent: percentage(item.percent, language()) });
  }
  if (item.message && ["failed", "links", "unread"].includes(state)) {
    return word("stateAndWhy", { state: word(`state_${state}`), why: item.message });
  }
  return word(`state_${state}`);
}

/** A card for one result. It stays with that result: `show` brings it up to date. */
export class Card {
  /**
   * @param {Item} item
   * @param {Actions} actions
   */
  constructor(item, actions) {
    this.item = item;
    /** @type {HTMLImageElement | null} */
    this.image = null;
    /** @param {keyof Actions} name @param {string} icon */
    const button = (name, icon) => iconButton(icon, word(name), () => actions[name](this.item));
    this.picture = make("button", { type: "button", class: "g4i-thumbnail", onclick: () => actions.open(this.item) });
    this.prompt = make("p", { class: "g4i-prompt" });
    this.facts = make("p", { class: "g4i-facts" });
    this.time = make("span", { class: "g4i-time" });
    this.state = make("span", { class: "g4i-state" });
    this.progress = make("progress", { class: "g4i-progress", max: 100 });
    this.tick = make("input", {
      type: "checkbox",
      class: "g4i-tick",
      "aria-label": word("select"),
      onchange: () => (this.tick.checked = actions.select(this.item, this.tick.checked)),
    });
    this.buttons = {
      addNode: button("addNode", "add"),
      fetch: button("fetch", "fetch"),
      download: button("download", "download"),
      copyPrompt: button("copyPrompt", "copy"),
      copyLinks: button("copyLinks", "link"),
      openGraph: button("openGraph", "graph"),
    };
    this.element = make(
      "div",
      { class: "g4i-card", role: "article", tabindex: -1, ondragstart: (event) => startDrag(event, this.item, actions) },
      this.picture,
      this.tick,
      make(
        "div",
        { class: "g4i-words" },
        this.prompt,
        this.facts,
        make("p", { class: "g4i-told" }, this.time, " · ", this.state),
        this.progress,
      ),
      make("div", { class: "g4i-actions" }, ...Object.values(this.buttons)),
    );
    this.show(item);
  }

  /** @param {Item} item */
  show(item) {
    this.item = item;
    const prompt = item.prompt || word("noPrompt");
    say(this.prompt, prompt);
    say(this.facts, `${price(item)} · ${item.model}`);
    set(this.facts, "title", `${item.model} · ${item.gateway} · ${item.id}`);
    say(this.time, shortTime(item.created, language()));
    set(this.time, "title", fullTime(item.created, language()));
    this.#showState(item);
    set(this.element, "aria-label", [prompt, stateInWords(item), price(item)].join(". "));
    set(this.element, "draggable", item.has_graph ? "true" : null);
    this.#showPicture(item);
    this.#showButtons(item);
  }

  /** @param {Item} item */
  #showState(item) {
    const inWords = stateInWords(item);
    say(this.state, inWords);
    set(this.state, "title", inWords);
    this.state.dataset.state = stateOf(item);
    this.progress.hidden = item.state !== "running";
    set(this.progress, "aria-label", word("state_running"));
    if (item.percent === null) this.progress.removeAttribute("value");
    else this.progress.value = item.percent;
  }

  /** @param {Item} item */
  #showPicture(item) {
    const has = item.stored.length > 0;
    this.picture.disabled = !has;
    set(this.picture, "aria-label", word("open"));
    const shown = has ? thumbnail(item) : "";
    if (this.picture.dataset.shown === shown && this.picture.dataset.count === String(item.pictures)) return;
    this.picture.dataset.shown = shown;
    this.picture.dataset.count = String(item.pictures);
    const before = this.image;
    this.image = has ? make("img", { alt: "", width: 84, height: 84, decoding: "async", draggable: "true" }) : null;
    if (before?.src) this.load();
    const count = item.pictures > 1 && make("span", { class: "g4i-count", "aria-hidden": "true" }, `×${item.pictures}`);
    const none = !has && make("span", { class: "g4i-icon g4i-icon-none", "aria-hidden": "true" });
    this.picture.replaceChildren(...[this.image ?? none, count].filter((each) => each instanceof Node));
  }

  /** Asks for the thumbnail: not before the card stays in sight, or a long way scrolled would ask for thousands. */
  load() {
    if (this.image && !this.image.src) this.image.src = this.picture.dataset.shown ?? "";
  }

  /** Out of the page. A thumbnail that is still on its way is not waited for. */
  remove() {
    if (this.image && !this.image.complete) this.image.removeAttribute("src");
    this.element.remove();
  }

  /** @param {Item} item */
  #showButtons(item) {
    const { addNode, fetch, download, copyLinks, openGraph } = this.buttons;
    download.hidden = this.tick.hidden = item.stored.length === 0;
    addNode.hidden = item.pictures === 0;
    fetch.hidden = !canFetch(item);
    const fetches = word(item.state === "unread" ? "readAgain" : "fetch");
    for (const name of ["aria-label", "title"]) set(fetch, name, fetches);
    copyLinks.hidden = item.pictures === 0;
    openGraph.hidden = !item.has_graph;
  }

  /** A button that is at work. @param {keyof Actions} name @param {boolean} busy */
  busy(name, busy) {
    if (!(name in this.buttons)) return;
    const button = /** @type {any} */ (this.buttons)[name];
    set(button, "aria-busy", busy ? "true" : null);
    button.disabled = busy;
  }

  /** Whether Tab reaches the card and what is in it. @param {boolean} reachable */
  reach(reachable) {
    const index = reachable ? 0 : -1;
    this.element.tabIndex = index;
    this.picture.tabIndex = this.tick.tabIndex = index;
    for (const button of Object.values(this.buttons)) button.tabIndex = index;
  }
}
