// @ts-check
/** One result in full: its pictures, one at a time, and what is known of it. The browser keeps the focus in it. */

import { iconButton, make, say, set } from "./dom.mjs";
import { fullTime, money, whole } from "./format.mjs";
import { ask, resultPath } from "./host.mjs";
import { carry, download, pictureAddress } from "./pictures.mjs";
import { language, word } from "./words.mjs";

/**
 * @typedef {import("./results.mjs").Item} Item
 *
 * All that the server sends of one result.
 * @typedef {Item & {
 *   warnings: string[], revised_prompt: string | null, seconds: number | null, sizes: ([number, number] | null)[],
 *   gateway_text: string | null
 * }} Detail
 */

/**
 * Opens the viewer. Escape, its button or a click beside the picture close it; the focus goes back to where it was.
 *
 * @param {Item} item
 * @param {HTMLElement} parent
 */
export function view(item, parent) {
  let at = 0;
  const image = make("img", {
    class: "g4i-full",
    alt: item.prompt,
    ondragstart: (event) => carry(event.dataTransfer, item, item.stored[at]),
  });
  const place = make("span", { class: "g4i-place", role: "status" });
  const tab = make("a", { class: "g4i-button", target: "_blank", rel: "noopener" }, word("openInTab"));
  /** @param {number} step */
  const turn = (step) => {
    at = (at + step + item.stored.length) % item.stored.length;
    const shown = pictureAddress(item, item.stored[at]);
    image.src = shown;
    tab.href = shown;
    say(place, word("place", { at: at + 1, all: item.stored.length }));
  };
  const back = iconButton("left", word("previous"), () => turn(-1));
  const on = iconButton("right", word("next"), () => turn(1));
  const save = iconButton("download", word("download"), () => download(item, item.stored[at]));
  const close = iconButton("close", word("close"), () => dialog.close());
  const bar = make("div", { class: "g4i-bar" }, back, place, on, save, tab, close);
  const facts = make("div", { class: "g4i-details", tabindex: 0 });
  const shown = make("div", { class: "g4i-shown" }, image, facts);
  const dialog = make("dialog", { class: "g4i g4i-viewer", "aria-label": item.prompt || word("noPrompt") }, bar, shown);
  back.hidden = on.hidden = place.hidden = item.stored.length < 2;
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation(); // none of these keys is meant for the graph
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) turn(step);
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  turn(0);
  parent.append(dialog);
  dialog.showModal();
  set(close, "autofocus", true);
  close.focus();
  describe(item, facts);
}

/** @param {Item} item @param {HTMLElement} facts */
async function describe(item, facts) {
  /** @type {Detail | null} */
  const detail = await ask(resultPath(item.id)).catch(() => null); // the pictures are shown all the same
  if (!detail) return;
  const { revised_prompt: revised, warnings } = detail;
  facts.replaceChildren(
    ...[
      make("h3", {}, word("prompt")),
      make("p", { class: "g4i-whole" }, detail.prompt || word("noPrompt")),
      revised && make("h3", {}, word("revisedPrompt")),
      revised && make("p", { class: "g4i-whole" }, revised),
      make("dl", {}, ...rows(detail)),
      warnings.length > 0 && make("h3", {}, word("warnings")),
      warnings.length > 0 && make("ul", {}, ...warnings.map((each) => make("li", {}, each))),
    ].filter((each) => each instanceof Node),
  );
}

/** @param {Detail} detail */
function rows(detail) {
  const sizes = [...new Set(detail.sizes.filter(Boolean).map((size) => size?.join(" × ")))].join(", ");
  /** @type {[string, string | null][]} */
  const facts = [
    [word("model"), `${detail.model} (${detail.gateway})`],
    [word("price"), detail.cost_usd === null ? word("priceUnknown") : money(detail.cost_usd, language())],
    [word("seconds"), detail.seconds === null ? null : whole(Math.round(detail.seconds), language())],
    [word("size"), sizes || null],
    [word("made"), fullTime(detail.created, language())],
    ["id", detail.id],
  ];
  return facts.flatMap(([name, value]) => (value === null ? [] : [make("dt", {}, name), make("dd", {}, value)]));
}
