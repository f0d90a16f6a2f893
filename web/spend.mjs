// @ts-check
/** A small bar chart of the spending on each of the last 30 days. */

import { make, set } from "./dom.mjs";
import { dayOf, money } from "./format.mjs";
import { ask } from "./host.mjs";
import { language, word } from "./words.mjs";

const DAY_MS = 86_400_000;

export class Spend {
  constructor() {
    this.bars = make("div", { class: "g4i-bars", role: "img" });
    this.caption = make("figcaption", {});
    this.element = make("figure", { class: "g4i-spend" }, this.caption, this.bars);
    this.element.hidden = true;
  }

  async refresh() {
    /** @type {number[]} */
    const days = (await ask("/spend")).days;
    const all = days.reduce((sum, usd) => sum + usd, 0);
    const most = Math.max(...days);
    const text = word("spend30", { all: money(all, language()) });
    this.element.hidden = all === 0;
    this.caption.textContent = text;
    set(this.bars, "aria-label", text);
    this.bars.replaceChildren(...days.map((usd, index) => bar(usd, most, days.length - 1 - index)));
  }
}

/** @param {number} usd @param {number} most @param {number} ago days */
function bar(usd, most, ago) {
  const day = dayOf(new Date(Date.now() - ago * DAY_MS), language());
  const element = make("span", { title: `${day}: ${money(usd, language())}`, "data-none": usd === 0 });
  element.style.height = `${most ? Math.max(4, (100 * usd) / most) : 4}%`;
  return element;
}
