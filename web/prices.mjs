// @ts-check
/** Shows on each paid node a badge with the price of its next run, asked of the server as the graph changes. */

import { debounced } from "./dom.mjs";
import { money } from "./format.mjs";
import { nodesOf } from "./graph.mjs";
import { ask, drawAgain, drawnTimes, listen } from "./host.mjs";
import { language, loadWords, word } from "./words.mjs";

/**
 * What a run of one node costs. `calls` and `in_vault` are null where its inputs are known only when it runs.
 *
 * @typedef {{ calls: number | null, in_vault: number | null, price_usd: number | null }} Price
 * @typedef {{ nodes: number, usd: number, known: boolean, in_vault: number }} Sum `known`: nothing is left out of `usd`
 */

export const PAID = ["GPT4oImage_Generate", "GPT4oImage_ImagesAPI"];
const VALUES = /^(Primitive(String|StringMultiline|Int|Float|Boolean)|GPT4oImage_Prompts)$/;
const PAUSE_MS = 400;
const MUTED = 2;
const BYPASSED = 4;

/** By the id that the server gives a node. @type {Map<string, Price>} */
let prices = new Map();
let asked = "";
/** @type {Set<() => void>} */
const watchers = new Set();

const look = debounced(() => refresh(), PAUSE_MS);

/** Something that may change what a run costs. */
export const priceChanged = () => look();

/** The graph, the vault or the settings changed. */
export function followPrices() {
  listen("graphChanged", () => look());
  listen("gpt4o_image.result", ({ ended }) => ended && anew());
  listen("reconnected", anew);
}

function anew() {
  asked = "";
  look();
}

/** Calls `changed` whenever `sum` may give something else; the answer ends that. @param {() => void} changed */
export function watchPrices(changed) {
  watchers.add(changed);
  return () => watchers.delete(changed);
}

async function refresh() {
  const graph = paidGraph();
  const now = JSON.stringify(graph);
  if (now === asked) return;
  asked = now;
  await loadWords();
  const told = Object.keys(graph).length ? await quoted(graph) : { nodes: {} };
  if (!told || now !== asked) return;
  prices = new Map(Object.entries(told.nodes));
  drawAgain();
  for (const changed of watchers) changed();
}

/** @param {object} graph */
async function quoted(graph) {
  const body = JSON.stringify({ graph });
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body };
  return ask("/quote", options).catch(() => null); // the sidebar says what is wrong with the server
}

/** What a run of the whole graph costs. @returns {Sum} */
export function sum() {
  const all = [...prices.values()];
  const usd = all.map(toPay);
  return {
    nodes: all.length,
    usd: usd.reduce((/** @type {number} */ before, each) => before + (each ?? 0), 0),
    known: all.every((each) => each.calls !== null && each.price_usd !== null),
    in_vault: all.filter((each) => each.calls && each.calls === each.in_vault).length,
  };
}

/** Null where no price is known. @param {Price} price */
function toPay({ calls, in_vault, price_usd }) {
  return price_usd === null ? null : price_usd * ((calls ?? 1) - (in_vault ?? 0));
}

/** A badge for a new paid node. @param {any} node */
export function addPriceBadge(node) {
  const Badge = /** @type {any} */ (globalThis).LGraphBadge;
  if (!Badge || !node.badges) return;
  node.badges.push(() => new Badge({ text: badgeText(node), fgColor: "#fff", bgColor: "#3d5a80" }));
  for (const widget of node.widgets ?? []) afterwards(widget);
  look();
}

/** @param {any} widget */
function afterwards(widget) {
  const before = widget.callback;
  widget.callback = function (/** @type {any[]} */ ...values) {
    const result = before?.apply(this, values);
    look();
    return result;
  };
}

/** @param {any} node */
function badgeText(node) {
  drawnTimes();
  const id = [...nodesOf()].find(([, each]) => each === node)?.[0];
  const price = prices.get(id ?? "");
  if (!price) return "";
  const usd = toPay(price);
  if (usd === null) return word("priceUnknown");
  const again = price.calls !== null && price.calls === price.in_vault;
  return again ? word("badgeAgain", { price: money(0, language()) }) : money(usd, language());
}

// The graph as the server reads it: only what a price depends on

function paidGraph() {
  /** @type {Record<string, { class_type: string, inputs: Record<string, unknown> }>} */
  const graph = {};
  for (const [id, node] of nodesOf()) {
    if (PAID.includes(node.type) && ![MUTED, BYPASSED].includes(node.mode)) add(graph, id, node);
  }
  return graph;
}

/**
 * @param {Record<string, { class_type: string, inputs: Record<string, unknown> }>} graph
 * @param {string} id
 * @param {any} node
 */
function add(graph, id, node) {
  if (graph[id]) return;
  /** @type {Record<string, unknown>} */
  const inputs = {};
  graph[id] = { class_type: node.type, inputs };
  for (const widget of node.widgets ?? []) {
    const own = widget.serialize !== false && widget.options?.serialize !== false;
    if (own && widget.name !== "control_after_generate" && !widget.name.startsWith("$$")) inputs[widget.name] = widget.value;
  }
  const prefix = id.includes(":") ? id.slice(0, id.lastIndexOf(":") + 1) : "";
  for (const [slot, input] of (node.inputs ?? []).entries()) {
    const link = node.getInputLink(slot);
    if (!link) continue;
    const origin = node.graph.getNodeById?.(link.origin_id);
    const from = `${prefix}${link.origin_id}`;
    inputs[input.name] = [from, link.origin_slot];
    if (origin && VALUES.test(origin.type) && ![MUTED, BYPASSED].includes(origin.mode)) add(graph, from, origin);
  }
}
