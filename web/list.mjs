// @ts-check
/** The results as a virtual list of cards: only those in sight are in the page. Tab reaches one (roving tabindex). */

import { Card } from "./card.mjs";
import { debounced, make, set } from "./dom.mjs";
import { ROW_PX, drawn, inSight, moved, scrollTo } from "./rows.mjs";
import { word } from "./words.mjs";

const MORE_WHEN_LEFT = 30;
// Faster than this, a frame's cards are gone before their thumbnails could come.
const FAST_PX = 200;
const REST_MS = 120;

/** The row of the card that `target` is or is in; -1 for none. @param {EventTarget | null} target */
function rowOf(target) {
  const card = target instanceof Element ? target.closest(".g4i-card") : null;
  return card ? Number(card.getAttribute("aria-posinset") ?? 0) - 1 : -1;
}

export class List {
  /**
   * @param {import("./results.mjs").Results} results
   * @param {import("./card.mjs").Actions} actions
   * @param {() => void} more called when the end of what is loaded comes near
   */
  constructor(results, actions, more) {
    this.results = results;
    this.actions = actions;
    this.more = more;
    this.active = 0;
    /** @type {number | undefined} the drawing that is due */
    this.frame = undefined;
    /** @type {Map<string, Card>} */
    this.cards = new Map();
    this.feed = make("div", { class: "g4i-feed", role: "feed", "aria-label": word("results") });
    this.element = make("div", { class: "g4i-scroll", tabindex: -1 }, this.feed);
    this.element.addEventListener("scroll", () => this.#later(), { passive: true });
    this.feed.addEventListener("keydown", (event) => this.#key(event));
    this.feed.addEventListener("focusin", (event) => this.#focused(event));
    this.drawnAt = 0;
    this.rested = debounced(() => this.#load(), REST_MS);
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.element);
  }

  destroy() {
    this.resized.disconnect();
    cancelAnimationFrame(this.frame ?? 0);
    this.rested.cancel();
  }

  /** A new search: from the top. */
  reset() {
    this.active = 0;
    for (const card of this.cards.values()) card.remove();
    this.cards.clear();
    this.element.scrollTop = 0;
    this.draw();
  }

  /**
   * A row came or went above what is being looked at: what is in sight stays where it is.
   *
   * @param {number} row
   * @param {1 | -1} change
   */
  shifted(row, change) {
    const scroll = this.element.scrollTop;
    if (row < this.active || (change > 0 && row === this.active && this.#hasFocus())) this.active += change;
    this.#stretch();
    if (scroll > 0 && row * ROW_PX < scroll) this.element.scrollTop = scroll + change * ROW_PX;
    this.draw();
  }

  /** Nothing is ticked any more. */
  untick() {
    for (const card of this.cards.values()) card.tick.checked = false;
  }

  /** @param {import("./results.mjs").Item} item */
  show(item) {
    const card = this.cards.get(item.id);
    card?.show(item);
    card?.load();
  }

  /** Puts the cards of the rows in sight into the page and takes the others out. */
  draw() {
    this.frame = undefined;
    const { items, total, next } = this.results;
    this.#stretch();
    const height = this.element.clientHeight;
    const { first, end } = drawn(this.element.scrollTop, height, items.length);
    this.active = Math.min(this.active, Math.max(0, items.length - 1));
    const wanted = new Set();
    for (let row = first; row < end; row += 1) {
      wanted.add(items[row].id);
      this.#place(row, total);
    }
    this.#drop(wanted);
    this.#reach(height);
    if (Math.abs(this.element.scrollTop - this.drawnAt) > FAST_PX) this.rested();
    else this.#load();
    this.drawnAt = this.element.scrollTop;
    if (next !== null && end + MORE_WHEN_LEFT >= items.length) this.more();
  }

  /** @param {number} row @param {number} total */
  #place(row, total) {
    const item = this.results.items[row];
    let card = this.cards.get(item.id);
    if (!card) {
      card = new Card(item, this.actions);
      card.tick.checked = this.actions.ticked(item.id);
      this.cards.set(item.id, card);
    }
    const { element } = card;
    if (rowOf(element) !== row || !element.isConnected) {
      set(element, "aria-posinset", row + 1);
      element.style.transform = `translateY(${row * ROW_PX}px)`;
      this.#insert(element, row);
    }
    if (element.getAttribute("aria-setsize") !== String(total)) set(element, "aria-setsize", total);
  }

  /**
   * In the order of the rows, so that Tab and a screen reader follow what is seen.
   *
   * @param {HTMLElement} element
   * @param {number} row
   */
  #insert(element, row) {
    const after = [...this.feed.children].find((other) => other !== element && rowOf(other) > row);
    if (!element.isConnected || element.nextElementSibling !== (after ?? null))
      this.feed.insertBefore(element, after ?? null);
  }

  /** @param {Set<string>} wanted */
  #drop(wanted) {
    for (const [id, card] of this.cards) {
      const focused = card.element.contains(document.activeElement) && this.results.find(id);
      if (wanted.has(id) || focused) continue;
      card.remove();
      this.cards.delete(id);
    }
  }

  /** Tab reaches the active card, or the first in sight when that one is far away. @param {number} height */
  #reach(height) {
    const { items } = this.results;
    const { first } = inSight(this.element.scrollTop, height, items.length);
    const row = this.cards.has(items[this.active]?.id) ? this.active : first;
    for (const [id, card] of this.cards) card.reach(id === items[row]?.id);
  }

  #load() {
    for (const card of this.cards.values()) card.load();
  }

  #stretch() {
    const height = `${this.results.items.length * ROW_PX}px`;
    if (this.feed.style.height !== height) this.feed.style.height = height;
  }

  #later() {
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  #hasFocus() {
    return this.feed.contains(document.activeElement);
  }

  /** @param {FocusEvent} event */
  #focused(event) {
    const row = rowOf(event.target);
    if (row < 0 || row === this.active) return;
    this.active = row;
    this.#reach(this.element.clientHeight);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // ComfyUI would delete the selected nodes.
    if (event.key === "Delete" || event.key === "Backspace") event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rowOf(event.target);
    if (event.key === "Enter" && event.target instanceof HTMLElement && event.target.matches(".g4i-card")) {
      event.preventDefault();
      event.stopPropagation();
      this.actions.open(this.results.items[row]);
      return;
    }
    if (event.key === " " && event.target instanceof HTMLElement && event.target.matches(".g4i-card")) {
      event.preventDefault();
      this.cards.get(this.results.items[row].id)?.tick.click();
      return;
    }
    const target = moved(event.key, row, this.element.clientHeight, this.results.items.length);
    if (target === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.focus(target);
  }

  /** @param {number} row */
  focus(row) {
    this.active = row;
    this.element.scrollTop = scrollTo(row, this.element.scrollTop, this.element.clientHeight);
    this.draw();
    this.cards.get(this.results.items[row]?.id)?.element.focus({ preventScroll: true });
  }
}
