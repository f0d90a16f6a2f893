// @ts-check
/** The graph that is open, and the nodes in it. Changes nothing. */

import { app } from "./host.mjs";

export const LOAD_RESULT = "GPT4oImage_LoadResult";

/** The whole workflow. */
export function root() {
  return app.rootGraph ?? app.graph;
}

/** The node that the server means: an id, or `5:12` for node 12 in the subgraph node 5. @param {string} id */
export function nodeOf(id) {
  let [graph, node] = [root(), /** @type {any} */ (null)];
  for (const part of String(id).split(":")) {
    node = graph?.getNodeById(part) ?? null;
    graph = node?.subgraph;
  }
  return node;
}

/** How front ends name a node among its outputs and previews. @param {any} node */
export function locatorOf(node) {
  return node.graph && node.graph !== root() ? `${node.graph.id}:${node.id}` : String(node.id);
}

/**
 * The pack's nodes, in subgraphs too, by the id that the server gives them.
 *
 * @param {any} [graph]
 * @param {string} [prefix]
 * @returns {Generator<[string, any]>}
 */
export function* nodesOf(graph = root(), prefix = "") {
  for (const node of graph?.nodes ?? []) {
    const id = `${prefix}${node.id}`;
    if (String(node.type).startsWith("GPT4oImage_")) yield [id, node];
    if (node.subgraph) yield* nodesOf(node.subgraph, `${id}:`);
  }
}

/** The graph in view: a subgraph when one is open. */
export function current() {
  return app.canvas.graph ?? app.graph;
}
