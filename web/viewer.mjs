// @ts-check
/** The pictures of one result in full size, in a dialog of its own: the browser keeps the focus in it. */

import { iconButton, make, say, set } from "./dom.mjs";
import { address, resultPath } from "./host.mjs";
import { word } from "./words.mjs";

/** @param {import("./results.mjs").Item} item @param {number} picture */
function pictureAddress(item, picture) {
  return address(`${resultPath(item.id)}/pictures/${picture}`);
}

/**
 * Opens the viewer. Escape, its button or a click beside the picture close it; the focus goes back to where it was.
 *
 * @param {import("./results.mjs").Item} item
 * @param {HTMLElement} parent
 */
export function view(item, parent) {
  let at = 0;
  const image = make("img", { class: "g4i-full", alt: item.prompt });
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
  const close = iconButton("close", word("close"), () => dialog.close());
  const bar = make("div", { class: "g4i-bar" }, back, place, on, tab, close);
  const dialog = make("dialog", { class: "g4i g4i-viewer", "aria-label": item.prompt || word("noPrompt") }, bar, image);
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
}
