// @ts-check
/** Text to the clipboard; where the browser has none, as text to copy by hand. */

import { make } from "./dom.mjs";
import { toast } from "./host.mjs";
import { word } from "./words.mjs";

/**
 * Browsers give the clipboard to https and to this machine only; ComfyUI on a LAN is neither.
 *
 * @param {string} text
 * @param {HTMLElement} parent of the dialog that takes the clipboard's place
 */
export async function copy(text, parent) {
  try {
    await navigator.clipboard.writeText(text);
    toast("success", word("copied"));
  } catch {
    showText(text, parent);
  }
}

/** @param {string} text @param {HTMLElement} parent */
function showText(text, parent) {
  const field = make("textarea", {
    class: "g4i-field g4i-text",
    readonly: true,
    rows: 8,
    "aria-label": word("copyByHand"),
  });
  field.value = text;
  const close = make("button", { type: "button", class: "g4i-button", onclick: () => dialog.close() }, word("close"));
  const dialog = make(
    "dialog",
    { class: "g4i g4i-note", "aria-label": word("copyByHand") },
    make("p", {}, word("copyByHand")),
    field,
    close,
  );
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  dialog.addEventListener("close", () => dialog.remove());
  parent.append(dialog);
  dialog.showModal();
  field.focus();
  field.select();
}
