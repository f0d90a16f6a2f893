// @ts-check
/** The paid calls that wait in ComfyUI's queue: their line in the sidebar, and the setting that sends them ahead. */

import { debounced, make, say, set } from "./dom.mjs";
import { money } from "./format.mjs";
import { ask, listen, setting, toast } from "./host.mjs";
import { language, word, words } from "./words.mjs";

export const RUN_AHEAD = "GPT4oImage.RunAhead";

/**
 * @typedef {object} Summary
 * @property {number} waiting
 * @property {number | null} at_most_usd null where a price is not known
 * @property {number} sent
 * @property {string[]} left results whose calls were sent, and whose runs never came to them
 * @property {number} run_ahead
 */

const PAUSE_MS = 200;

/** Results of this page's life whose line was closed. @type {Set<string>} */
const seen = new Set();

/** The server keeps the setting in memory: it is sent again whenever the server may have lost it. */
export function followRunAhead() {
  if (ahead()) tellRunAhead();
  listen("reconnected", () => ahead() && tellRunAhead());
}

export async function tellRunAhead() {
  // A server without this pack's routes, or none at all, is reported by the sidebar.
  await post("/queue/run_ahead", { calls: ahead() }).catch(() => undefined);
}

function ahead() {
  return Math.max(0, Math.trunc(Number(setting(RUN_AHEAD)) || 0));
}

/** @param {string} path @param {object} body */
function post(path, body) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

export class Queue {
  /** @param {(text: string) => void} announce what a screen reader is to say */
  constructor(announce) {
    this.announce = announce;
    this.refresh = debounced(() => this.#load(), PAUSE_MS);
    this.waiting = make("p");
    this.sent = make("p");
    this.left = make("p");
    this.send = make("button", { type: "button", class: "g4i-button", onclick: () => this.#send() }, word("sendNow"));
    set(this.send, "title", word("sendNowHint"));
    this.close = make("button", { type: "button", class: "g4i-button", onclick: () => this.#close() }, word("close"));
    this.lines = [
      make("div", { class: "g4i-line" }, this.waiting, this.send),
      make("div", { class: "g4i-line" }, this.sent),
      make("div", { class: "g4i-line" }, this.left, this.close),
    ];
    this.element = make("section", { class: "g4i-queue", "aria-label": word("queue") }, ...this.lines);
    this.element.hidden = true;
    this.ears = ["status", "gpt4o_image.queue", "reconnected"].map((type) => listen(type, () => this.refresh()));
    this.#load();
  }

  destroy() {
    for (const stop of this.ears) stop();
    this.refresh.cancel();
  }

  async #load() {
    const told = await ask("/queue").catch(() => null); // the list below says what is wrong with the server
    if (told) this.show(told);
  }

  /** @param {Summary} told */
  show(told) {
    this.told = told;
    const left = told.left.filter((id) => !seen.has(id)).length;
    const price = told.at_most_usd === null ? "" : money(told.at_most_usd, language());
    say(this.waiting, words(price ? "callsWait" : "callsWaitUnpriced", told.waiting, { price }));
    say(this.sent, words("callsSent", told.sent));
    say(this.left, words("callsLeft", left));
    const shown = [told.waiting, told.sent, left].map(Boolean);
    this.lines.forEach((line, index) => (line.hidden = !shown[index]));
    this.element.hidden = !shown.includes(true);
  }

  async #send() {
    this.send.disabled = true;
    try {
      const { calls } = await post("/queue/send", {});
      this.announce(words("callsSending", calls));
    } catch (error) {
      toast("error", word("didNotWork"), error instanceof Error ? error.message : String(error));
    } finally {
      this.send.disabled = false;
      await this.#load();
    }
  }

  #close() {
    for (const id of this.told?.left ?? []) seen.add(id);
    if (this.told) this.show(this.told);
  }
}
