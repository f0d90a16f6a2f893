// @ts-check
/** The pack's nodes on the canvas: what a new one starts with, and the thumbnail on Load Paid Result. */

import { make, say } from "./dom.mjs";
import { LOAD_RESULT } from "./graph.mjs";
import { app, ask, listen, resultPath, setting } from "./host.mjs";
import { offer } from "./insert.mjs";
import { thumbnail } from "./pictures.mjs";
import { PAID, addPriceBadge } from "./prices.mjs";
import { idOf } from "./results.mjs";
import { loadWords, word } from "./words.mjs";

/** @typedef {import("./results.mjs").Item} Item */

export const ARTIST_NAMES = "GPT4oImage.ArtistNames";
const LATEST = "latest";
const PREVIEW_PX = 128;

/** @type {Set<Preview>} */
const previews = new Set();

/** @param {any} node @param {string} name */
function widgetOf(node, name) {
  return node.widgets?.find((/** @type {any} */ widget) => widget.name === name);
}

/**
 * ComfyUI's hook for every node that comes to be. One that comes from a saved graph gets its values after this.
 *
 * @param {any} node
 */
export function nodeCreated(node) {
  if (PAID.includes(node.comfyClass) && !app.configuringGraph) startWith(node);
  if (PAID.includes(node.comfyClass)) addPriceBadge(node);
  if (node.comfyClass === LOAD_RESULT && node.addDOMWidget) new Preview(node);
}

/** A new paid node: every Run buys another picture only when the user asks for that. @param {any} node */
function startWith(node) {
  const control = widgetOf(node, "control_after_generate");
  if (control) control.value = "fixed";
  const names = widgetOf(node, "artist_names");
  const chosen = setting(ARTIST_NAMES);
  if (names && names.options?.values?.includes?.(chosen)) names.value = chosen;
}

/** The choices were read anew: those of older results are offered again. */
export function choicesRefreshed() {
  for (const preview of previews) preview.keepChoice();
}

/** Follows the results that the previews show. */
export function followResults() {
  listen("gpt4o_image.result", ({ id, ended }) => {
    for (const preview of ended ? previews : []) preview.ended(id);
  });
  listen("reconnected", () => previews.forEach((preview) => preview.show()));
}

/** @param {string} id @returns {Promise<Item | null>} */
async function one(id) {
  return id ? ask(resultPath(id)) : null;
}

/**
 * The newest with pictures. The list is asked first: in a new vault `latest` would be an error.
 *
 * @returns {Promise<Item | null>}
 */
async function latest() {
  const { results, next } = await ask("/results?limit=20");
  const found = results.find((/** @type {Item} */ item) => item.pictures > 0);
  return found ?? (next === null ? null : one(LATEST));
}

/** The thumbnail on one Load Paid Result node. It is no part of the saved workflow. */
class Preview {
  /** @param {any} node */
  constructor(node) {
    this.node = node;
    this.images = make("div", { class: "g4i-preview-images" });
    this.caption = make("p", { role: "status" });
    this.element = make("div", { class: "g4i g4i-preview" }, this.images, this.caption);
    const widget = node.addDOMWidget("gpt4o_image_preview", "gpt4o_image_preview", this.element, {
      serialize: false,
      hideOnZoom: false,
      getMinHeight: () => PREVIEW_PX,
    });
    widget.serialize = false;
    this.#makeRoom();
    this.#follow();
    previews.add(this);
    this.show();
  }

  /** Every way a choice comes about: the user's, a loaded graph's, and the end of the node. */
  #follow() {
    const { node } = this;
    const combo = widgetOf(node, "result");
    if (combo) after(combo, "callback", () => this.show());
    after(node, "onConfigure", () => {
      this.keepChoice();
      this.#makeRoom();
      this.show();
    });
    after(node, "onRemoved", () => previews.delete(this));
    after(node, "onAdded", () => previews.add(this)); // Undo brings it back
  }

  /** Not every front end lets a node grow by itself with what is added to it. */
  #makeRoom() {
    const { node } = this;
    const [width, height] = node.computeSize();
    if (node.size[1] < height) node.setSize([Math.max(node.size[0], width), height]);
  }

  #choice() {
    return widgetOf(this.node, "result")?.value;
  }

  keepChoice() {
    const combo = widgetOf(this.node, "result");
    if (combo?.value) offer(combo, combo.value);
  }

  /** @param {string} id */
  ended(id) {
    const chosen = idOf(this.#choice());
    if (chosen === LATEST || chosen === id) this.show();
  }

  async show() {
    const id = idOf(this.#choice());
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const item = await (id === LATEST ? latest() : one(id)).catch(() => null);
    await loadWords();
    if (turn !== this.turn) return; // another choice was made meanwhile
    this.#draw(item);
  }

  /** @param {Item | null} item */
  #draw(item) {
    const stored = item?.stored ?? [];
    const has = stored.length > 0;
    this.images.hidden = !has;
    this.images.style.setProperty("--g4i-columns", String(Math.ceil(Math.sqrt(stored.length))));
    this.images.replaceChildren(...stored.map((picture) => shownAt(item, picture)));
    say(this.caption, has ? "" : word(item ? `state_${item.state}` : "previewNone"));
    this.caption.hidden = has;
  }
}

/** @param {Item | null} item @param {number} picture */
function shownAt(item, picture) {
  const src = item ? thumbnail(item, picture) : "";
  return make("img", { alt: item?.prompt ?? "", src, decoding: "async", draggable: "false" });
}

/**
 * Calls `then` after a callback of the pack's own node, keeping what the front end has put there.
 *
 * @param {any} owner
 * @param {string} name
 * @param {() => void} then
 */
function after(owner, name, then) {
  const before = owner[name];
  owner[name] = function (/** @type {any[]} */ ...values) {
    const result = before?.apply(this, values);
    then();
    return result;
  };
}
