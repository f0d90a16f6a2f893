// @ts-check
/** The outcomes that this browser keeps for the nodes of its graphs, beyond a reload of the page. */

/** @typedef {import("./outcomes.mjs").Outcome} Outcome */

const KEY = "gpt4o_image.outcomes";
const MOST = 200;

/** @returns {[string, Outcome[]][]} the newest last */
function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return []; // no storage in this browser, or not ours
  }
}

/** @param {string} graph @param {string} node */
function name(graph, node) {
  return `${graph}/${node}`;
}

/** What a node of a graph came to in its last run. @param {string} graph @param {string} node @returns {Outcome[]} */
export function recalled(graph, node) {
  return kept().find(([which]) => which === name(graph, node))?.[1] ?? [];
}

/** An empty list forgets. @param {string} graph @param {string} node @param {Outcome[]} outcomes */
export function remember(graph, node, outcomes) {
  const others = kept().filter(([which]) => which !== name(graph, node));
  const all = outcomes.length ? [...others, [name(graph, node), outcomes]] : others;
  try {
    localStorage.setItem(KEY, JSON.stringify(all.slice(-MOST)));
  } catch {
    // Full, or switched off: the line stays until the page is loaded again.
  }
}
