// @ts-check
/** The head of the sidebar: gateway, key, money, and the check that costs nothing. */

import { iconButton, make, say, set } from "./dom.mjs";
import { money } from "./format.mjs";
import { ServerError, ask, changeSetting, setting } from "./host.mjs";
import { KeyPanel } from "./key_panel.mjs";
import { sum, watchPrices } from "./prices.mjs";
import { Spend } from "./spend.mjs";
import { language, word, words } from "./words.mjs";

export const GATEWAY = "GPT4oImage.Gateway";

/**
 * @typedef {object} Status
 * @property {string} gateway
 * @property {string[]} gateways
 * @property {boolean} has_key
 * @property {boolean} needs_key
 * @property {string | null} key_variable
 * @property {number} spent_today_usd
 * @property {number} spent_usd
 * @property {number | null} daily_budget_usd
 * @property {number} total
 * @property {{ kind: string, message: string } | null} problem
 *
 * @typedef {{ name: string, ok: boolean, text: string, advice: string | null }} Finding
 */

const DEFAULT = "default";

/** The gateway that the settings name. */
function chosenGateway() {
  return String(setting(GATEWAY) || DEFAULT);
}

/**
 * The server's status of a gateway; of the default one where config.toml has lost the one asked for.
 *
 * @returns {Promise<Status>}
 */
export async function status(gateway = chosenGateway()) {
  try {
    return await ask(`/status?gateway=${encodeURIComponent(gateway)}`);
  } catch (error) {
    if (gateway === DEFAULT || !(error instanceof ServerError) || error.status !== 400) throw error;
    return status(DEFAULT);
  }
}

export class Head {
  /** @param {(text: string) => void} announce what a screen reader is to say */
  constructor(announce) {
    this.announce = announce;
    this.gateway = "";
    this.gateways = make("select", {
      class: "g4i-field",
      "aria-label": word("gateway"),
      onchange: () => this.#choose(),
    });
    this.key = make("span", { class: "g4i-key" });
    this.money = make("p", { class: "g4i-money" });
    this.graph = make("p", { class: "g4i-graph-price" });
    this.spend = new Spend();
    this.stop = watchPrices(() => this.#showGraph());
    this.missing = false;
    this.keyPanel = new KeyPanel(() => this.refresh().catch(() => undefined));
    this.problem = make("div", { class: "g4i-box g4i-bad", role: "alert" });
    this.button = make("button", { type: "button", class: "g4i-button", onclick: () => this.check() }, word("check"));
    set(this.button, "title", word("checkHint"));
    this.findings = make("ul", { "aria-label": word("findings"), tabindex: 0 }); // it scrolls
    const close = iconButton("close", word("close"), () => (this.found.hidden = true));
    this.found = make("div", { class: "g4i-findings" }, this.findings, close);
    this.element = make(
      "header",
      { class: "g4i-head" },
      make("div", { class: "g4i-line" }, make("h2", {}, "GPT-4o Image"), this.button),
      make("div", { class: "g4i-line" }, make("label", {}, word("gateway")), this.gateways, this.key),
      this.money,
      this.graph,
      this.spend.element,
      this.keyPanel.element,
      this.problem,
      this.found,
    );
    this.problem.hidden = this.found.hidden = true;
    this.#showGraph();
  }

  destroy() {
    this.stop();
    this.keyPanel.destroy();
  }

  async refresh() {
    this.show(await status());
    await this.spend.refresh();
  }

  /** @param {Status} told */
  show(told) {
    this.#showGateways(told);
    const missing = told.needs_key && !told.has_key;
    if (this.missing && !missing) this.announce(word("keyNow"));
    this.missing = missing;
    say(this.key, told.needs_key ? word(told.has_key ? "keySet" : "keyMissing") : word("keyNotNeeded"));
    this.key.dataset.bad = String(missing);
    this.keyPanel.show(told);
    this.#showMoney(told);
    say(this.problem, told.problem?.message ?? "");
    this.problem.hidden = !told.problem;
  }

  /** @param {Status} told */
  #showGateways(told) {
    const chosen = told.gateways.includes(chosenGateway()) ? chosenGateway() : DEFAULT;
    this.gateway = chosen;
    const options = told.gateways.map((name) => {
      const text = name === DEFAULT && chosen === DEFAULT ? `${name} (${told.gateway})` : name;
      return make("option", { value: name }, text);
    });
    this.gateways.replaceChildren(...options);
    this.gateways.value = chosen;
  }

  /** @param {Status} told */
  #showMoney(told) {
    const today = money(told.spent_today_usd, language());
    const budget = told.daily_budget_usd;
    const spent =
      budget === null ? word("today", { today }) : word("todayOf", { today, budget: money(budget, language()) });
    say(this.money, `${spent} · ${word("inAll", { all: money(told.spent_usd, language()) })}`);
    this.money.dataset.bad = String(budget !== null && told.spent_today_usd >= budget);
  }

  /** What a run of the open graph costs now. */
  #showGraph() {
    const { nodes, usd, known, in_vault } = sum();
    const price = money(usd, language());
    const parts = [words(known ? "graphCosts" : "graphCostsAtLeast", nodes, { price })];
    if (in_vault) parts.push(words("graphInVault", in_vault));
    say(this.graph, parts.join(" · "));
    this.graph.hidden = nodes === 0;
  }

  async #choose() {
    await changeSetting(GATEWAY, this.gateways.value);
    this.found.hidden = true;
    await this.refresh().catch(() => undefined); // the list below says what is wrong with the server
  }

  /** Key, reachability, models, balance. */
  async check() {
    if (this.button.disabled) return;
    this.button.disabled = true;
    say(this.button, word("checking"));
    try {
      if (!this.gateway) await this.refresh();
      const { findings } = await ask(`/check?gateway=${encodeURIComponent(this.gateway)}`);
      this.#showFindings(findings);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#showFindings([{ name: word("check"), ok: false, text, advice: null }]);
    } finally {
      this.button.disabled = false;
      say(this.button, word("check"));
    }
  }

  /** @param {Finding[]} findings */
  #showFindings(findings) {
    const lines = findings.map((finding) =>
      make(
        "li",
        { "data-ok": String(finding.ok) },
        make(
          "span",
          { class: "g4i-mark", role: "img", "aria-label": word(finding.ok ? "ok" : "notOk") },
          finding.ok ? "✓" : "✗",
        ),
        make("strong", {}, finding.name),
        ` ${finding.text}`,
        // Of a missing key all is said above.
        finding.advice && !(this.missing && finding.name === "key") && make("p", {}, finding.advice),
      ),
    );
    this.findings.replaceChildren(...lines);
    this.found.hidden = false;
    const bad = findings.filter((finding) => !finding.ok).length;
    this.announce(bad ? words("checkFound", bad) : word("checkClean"));
  }
}
