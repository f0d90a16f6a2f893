// @ts-check
/** The instructions to set a missing key: where to get one, the command, the lines of config.toml. */

import { copy } from "./copying.mjs";
import { iconButton, make } from "./dom.mjs";
import { ServerError, ask } from "./host.mjs";
import { word } from "./words.mjs";

/**
 * @typedef {object} Setup
 * @property {string} command
 * @property {string} config_path
 * @property {string} lines
 * @property {string | null} get_key an address
 */

const LOOK_MS = 3000;

export class KeyPanel {
  /** @param {() => Promise<unknown>} look asks the server again, and shows what it says */
  constructor(look) {
    this.element = make("section", { class: "g4i-box g4i-key-panel", "aria-label": word("keyPanel") });
    this.element.hidden = true;
    this.look = look;
    this.shown = "";
  }

  destroy() {
    clearInterval(this.timer);
  }

  /** @param {import("./head.mjs").Status} told */
  async show(told) {
    const missing = told.needs_key && !told.has_key;
    this.element.hidden = !missing;
    this.#watch(missing);
    if (!missing || this.shown === told.gateway) return;
    this.shown = told.gateway;
    const setup = await this.#setup(told.gateway);
    this.element.replaceChildren(
      make("p", {}, word("keyHelp", { gateway: told.gateway })),
      make("ol", {}, ...(setup ? this.#here(setup) : this.#elsewhere(told))),
    );
  }

  /** Sees for itself when the key is there. @param {boolean} missing */
  #watch(missing) {
    clearInterval(this.timer);
    if (!missing) return;
    this.timer = setInterval(() => {
      if (document.visibilityState === "visible" && this.element.isConnected) this.look();
    }, LOOK_MS);
  }

  /** Null for browsers on other computers: they are shown no folder. @param {string} gateway @returns {Promise<Setup | null>} */
  async #setup(gateway) {
    try {
      return await ask(`/key_setup?gateway=${encodeURIComponent(gateway)}`);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      return null;
    }
  }

  /** @param {Setup} setup */
  #here(setup) {
    const get = setup.get_key && make("a", { href: setup.get_key, target: "_blank", rel: "noopener noreferrer" }, word("keyGet"));
    return [
      get && make("li", {}, get),
      make("li", {}, make("p", {}, word("keyCommand")), this.#code("copyCommand", setup.command)),
      make(
        "li",
        {},
        make("p", {}, word("keyFile")),
        this.#code("copyPath", setup.config_path),
        this.#code("copyLines", setup.lines),
      ),
    ];
  }

  /** @param {import("./head.mjs").Status} told */
  #elsewhere(told) {
    const command = `gpt4o-image key set${told.gateway === "aihubmix" ? "" : ` --gateway ${told.gateway}`}`;
    return [
      told.key_variable && make("li", {}, word("keyByVariable", { variable: told.key_variable })),
      make("li", {}, word("keyByCommand", { command })),
      make("li", {}, word("keyElsewhere")),
    ];
  }

  /** @param {string} name of its button @param {string} text */
  #code(name, text) {
    const button = iconButton("copy", word(name), () => copy(text, this.element));
    return make("div", { class: "g4i-code" }, make("pre", { tabindex: 0 }, text), button);
  }
}
