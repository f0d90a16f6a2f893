// @ts-check
/** The sidebar's tab: head, filters and results, kept up to date over the websocket. */

import { copy } from "./copying.mjs";
import { debounced, make, say } from "./dom.mjs";
import { Filters } from "./filters.mjs";
import { Head } from "./head.mjs";
import { ServerError, ask, listen, resultPath, toast } from "./host.mjs";
import { addLoadNode, makeSticker, openGraph } from "./insert.mjs";
import { List } from "./list.mjs";
import { Queue } from "./queue.mjs";
import { download, downloadZip } from "./pictures.mjs";
import { Results } from "./results.mjs";
import { Selection } from "./selection.mjs";
import { view } from "./viewer.mjs";
import { word, words } from "./words.mjs";

/** @typedef {import("./results.mjs").Item} Item */

const PAGE = 60;
const PAUSE_MS = 250;

export class Panel {
  constructor() {
    this.results = new Results();
    /** @type {Map<string, boolean>} results being asked for; true when they have to be asked for again */
    this.asking = new Map();
    /** @type {Set<string>} results that the filter hides: their percentages are nobody's concern */
    this.hidden = new Set();
    /** @type {number | null} the page that is on its way */
    this.growing = null;
    /** @type {AbortController | null} */
    this.loading = null;
    this.head = new Head((text) => this.announce(text));
    this.queue = new Queue((text) => this.announce(text));
    this.list = new List(this.results, this.#actions(), () => this.#more());
    this.selection = new Selection(() => this.list.untick());
    this.spoken = make("div", { class: "g4i-spoken", role: "status", "aria-live": "polite" });
    this.note = make("div", { class: "g4i-empty" });
    this.filters = new Filters(() => this.load());
    this.spent = debounced(() => this.#refreshHead(), PAUSE_MS);
    this.element = make("section", { class: "g4i g4i-panel", "aria-label": "GPT-4o Image" });
    this.element.append(this.head.element, this.queue.element, this.filters.element, this.selection.element, this.note, this.list.element, this.spoken);
    this.element.addEventListener("keydown", (event) => {
      // Letters choose an option here; ComfyUI would take them for its shortcuts.
      if (event.target instanceof HTMLSelectElement) event.stopPropagation();
    });
    this.ears = [listen("gpt4o_image.result", (told) => this.#heard(told)), listen("reconnected", () => this.start())];
  }

  start() {
    this.#refreshHead();
    return this.load();
  }

  /** Shows one result in the list, with the focus on it. @param {string} id */
  async reveal(id) {
    if (!this.results.find(id)) {
      this.filters.clear();
      await this.load();
    }
    const row = this.results.items.findIndex((item) => item.id === id);
    if (row >= 0) this.list.focus(row);
  }

  destroy() {
    for (const stop of this.ears) stop();
    this.filters.destroy();
    this.spent.cancel();
    this.loading?.abort();
    this.queue.destroy();
    this.head.destroy();
    this.list.destroy();
    this.element.remove();
  }

  /** Said once by a screen reader, without moving the focus. @param {string} text */
  announce(text) {
    say(this.spoken, text);
  }

  #refreshHead() {
    // What is wrong with the server is said where the results would be.
    this.head.refresh().catch(() => undefined);
  }

  // What the server knows

  /** @param {number | null} before */
  #page(before) {
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (before !== null) query.set("before", String(before));
    if (this.filters.text) query.set("text", this.filters.text);
    if (this.filters.state) query.set("state", this.filters.state);
    return `/results?${query}`;
  }

  /** The first page, from the top. */
  async load() {
    this.loading?.abort();
    const { signal } = (this.loading = new AbortController());
    this.list.feed.ariaBusy = "true";
    try {
      const page = await ask(this.#page(null), { signal });
      if (signal.aborted) return;
      this.results.start(page);
      this.hidden.clear();
      this.#explain();
      this.list.reset();
      if (this.filters.any) this.announce(words("found", page.total));
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    } finally {
      if (!signal.aborted) this.list.feed.ariaBusy = "false";
    }
  }

  async #more() {
    const { next } = this.results;
    if (next === null || this.growing === next) return;
    this.growing = next;
    const { signal } = this.loading ?? new AbortController();
    try {
      const page = await ask(this.#page(next), { signal });
      if (signal.aborted) return;
      this.results.append(page);
      this.list.draw();
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    } finally {
      this.growing = null;
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    const { kind, message } = error instanceof ServerError ? error : { kind: "network", message: String(error) };
    const known = ["missing", "network"].includes(kind);
    const again = make(
      "button",
      { type: "button", class: "g4i-button", onclick: () => this.start() },
      word("tryAgain"),
    );
    this.#tell(word(known ? `empty_${kind}` : "empty_broken"), known ? "" : message, again);
    this.announce(word(known ? `empty_${kind}` : "empty_broken"));
  }

  /** @param {string} headline @param {string} text @param {HTMLElement | null} button */
  #tell(headline, text, button = null) {
    this.note.replaceChildren(make("strong", {}, headline), make("p", {}, text), ...(button ? [button] : []));
    this.note.hidden = false;
    this.list.element.hidden = true;
  }

  /** What to do where there is nothing to show. */
  #explain() {
    const empty = this.results.items.length === 0;
    this.note.hidden = !empty;
    this.list.element.hidden = empty;
    if (!empty) return;
    const filtered = this.filters.any;
    if (filtered) this.#tell(word("empty_filter"), word("empty_filter_do"));
    else this.#tell(word("empty_none"), word("empty_none_do"), this.#stickerButton());
  }

  #stickerButton() {
    const pressed = () => this.#try(makeSticker);
    return make("button", { type: "button", class: "g4i-button g4i-main", onclick: pressed }, word("makeSticker"));
  }

  // What changes meanwhile

  /** @param {{ id: string, percent: number | null, ended: boolean }} told */
  #heard({ id, percent, ended }) {
    const known = this.results.find(id);
    if (known && !ended) {
      known.percent = percent;
      this.list.show(known);
      return;
    }
    if (ended || !this.hidden.has(id)) this.#update(id, ended);
    if (ended) this.spent();
  }

  /** @param {string} id @param {boolean} ended */
  async #update(id, ended) {
    if (this.asking.has(id)) {
      this.asking.set(id, ended || this.asking.get(id) === true);
      return;
    }
    this.asking.set(id, false);
    try {
      const item = await ask(resultPath(id));
      const shown = this.results.find(id) ? this.#state(item) : await this.#shown(item);
      this.#put(item, shown);
      if (!shown) this.hidden.add(id);
      if (ended) this.announce(word(item.stored.length ? "announceDone" : "announceFailed", { prompt: item.prompt }));
    } catch {
      // The next reload brings it.
    } finally {
      const again = this.asking.get(id);
      this.asking.delete(id);
      if (again) this.#update(id, true);
    }
  }

  /** @param {Item} item */
  #state(item) {
    return !this.filters.state || this.filters.state === item.state;
  }

  /** Whether the filter lets a new result through; of words only the server can tell. @param {Item} item */
  async #shown(item) {
    if (!this.#state(item)) return false;
    if (!this.filters.text) return true;
    const page = await ask(this.#page(item.number + 1));
    return page.results.some((/** @type {Item} */ each) => each.id === item.id);
  }

  /** @param {Item} item @param {boolean} shown */
  #put(item, shown) {
    const change = this.results.put(item, shown);
    this.#explain();
    if (!change) this.list.show(item);
    else if ("added" in change) this.list.shifted(change.added, 1);
    else this.list.shifted(change.removed, -1);
  }

  // What the buttons do

  /** @returns {import("./card.mjs").Actions} */
  #actions() {
    return {
      open: (item) => (item.stored.length ? view(item, this.element) : undefined),
      addNode: (item) => this.#try(() => addLoadNode(item)),
      fetch: (item) => this.#fetch(item),
      copyPrompt: (item) => this.#try(async () => copy((await this.#whole(item)).prompt, this.element)),
      copyLinks: (item) => this.#try(() => this.#copyLinks(item)),
      openGraph: (item) => this.#try(() => openGraph(item)),
      download: (item) => (item.stored.length > 1 ? downloadZip([item.id]) : download(item, item.stored[0])),
      select: (item, on) => this.selection.set(item.id, on),
      ticked: (id) => this.selection.ids.has(id),
    };
  }

  /** @param {Item} item */
  #whole(item) {
    return ask(resultPath(item.id));
  }

  /** @param {Item} item */
  async #copyLinks(item) {
    const links = (await this.#whole(item)).links.flat();
    if (links.length) await copy(links.join("\n"), this.element);
    else toast("info", word("noLinks"));
  }

  /** Downloads what is missing, by the links that were paid for. @param {Item} item */
  async #fetch(item) {
    const busy = (/** @type {boolean} */ now) => this.list.cards.get(item.id)?.busy("fetch", now);
    busy(true);
    this.announce(word("fetching"));
    await this.#try(async () => {
      this.#put(await ask(`${resultPath(item.id)}/fetch`, { method: "POST" }), true);
    });
    busy(false);
  }

  /** @param {() => unknown} work */
  async #try(work) {
    try {
      await work();
    } catch (error) {
      toast("error", word("didNotWork"), error instanceof Error ? error.message : String(error));
    }
  }
}
