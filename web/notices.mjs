// @ts-check
/** A failure's notice over the page: what happened, whether it was billed, the gateway's words, what to do. */

import { iconButton, make } from "./dom.mjs";
import { advice, bill, reason } from "./outcomes.mjs";
import { openTab } from "./tab.mjs";
import { language, word } from "./words.mjs";

/** @typedef {import("./outcomes.mjs").Outcome} Outcome */

const MOST = 3;
const QUOTE_CHARS = 300;
const MESSAGE_CHARS = 400;

/** @type {HTMLElement | null} */
let stack = null;

function place() {
  stack ??= make("div", { class: "g4i g4i-notices" });
  if (!stack.isConnected) document.body.append(stack);
  return stack;
}

/** @param {string} text @param {number} limit */
function shorten(text, limit) {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

/**
 * Shows a failure until it is closed. Nothing is shown of a run that the user cancelled.
 *
 * @param {Outcome} outcome
 * @param {string} [title] of the node
 */
export function notify({ id, error }, title) {
  if (!error) return;
  const close = iconButton("close", word("close"), () => notice.remove());
  const headline = make("strong", {}, reason(error));
  const notice = make(
    "section",
    { class: "g4i-notice", role: "alert", "data-billed": error.billed, "data-kind": error.kind },
    make("div", { class: "g4i-line" }, make("span", { class: "g4i-bill" }, bill(error.billed)), headline, close),
    title && make("p", { class: "g4i-from" }, title),
    error.gateway_text && make("blockquote", {}, shorten(error.gateway_text, QUOTE_CHARS)),
    // The server's message names places and figures, in English; other languages get the advice for its kind first.
    !language().startsWith("en") && make("p", {}, advice(error)),
    make("p", { class: "g4i-message" }, shorten(error.message, MESSAGE_CHARS)),
    make("div", { class: "g4i-line" }, ...buttons(id, error)),
  );
  const there = place();
  there.append(notice);
  while (there.children.length > MOST) there.firstElementChild?.remove();
}

/** @param {string | null} id @param {import("./outcomes.mjs").Failure} error */
function buttons(id, error) {
  /** @param {string} text @param {() => void} pressed */
  const button = (text, pressed) => make("button", { type: "button", class: "g4i-button", onclick: pressed }, text);
  if (id) return [button(word("noticeOpen"), () => openTab({ result: id }))];
  if (error.kind === "config") return [button(word("noticeSetup"), () => openTab())];
  return [];
}
