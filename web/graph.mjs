// @ts-check
/** What the side bar does to the graph: adds nodes, opens graphs. Nothing that is there is changed. */

import { app, ask, folder, json, resultPath } from "./host.mjs";
import { idOf } from "./results.mjs";
import { word } from "./words.mjs";

/** @typedef {import("./results.mjs").Item} Item */

export const LOAD_RESULT = "GPT4oImage_LoadResult";
const GAP_PX = 80;

/** ComfyUI's own graph library, which it gives to extensions as a global. @returns {any} */
function litegraph() {
  return /** @type {any} */ (globalThis).LiteGraph;
}

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
function current() {
  return app.canvas.graph ?? app.graph;
}

/** @param {string} type */
function create(type) {
  const node = litegraph().createNode(type);
  if (!node) throw new Error(word("nodeMissing", { node: type }));
  return node;
}

/** The middle of the canvas that no side bar hides, in the graph's own measure. @param {HTMLElement} panel */
function centre(panel) {
  const whole = app.canvas.canvas.getBoundingClientRect();
  const bar = panel.getBoundingClientRect();
  const atLeft = bar.left - whole.left < whole.right - bar.right;
  const left = bar.width && atLeft ? Math.max(whole.left, bar.right) : whole.left;
  const right = bar.width && !atLeft ? Math.min(whole.right, bar.left) : whole.right;
  const { scale, offset } = app.canvas.ds;
  const x = (left + right) / 2 - whole.left;
  return [x / scale - offset[0], whole.height / 2 / scale - offset[1]];
}

/**
 * Makes sure that a choice is among those of its combo, as ComfyUI marks unknown ones.
 *
 * @param {any} widget
 * @param {string} choice
 */
export function offer(widget, choice) {
  const values = widget.options?.values;
  if (Array.isArray(values) && !values.includes(choice)) widget.options.values = [...values, choice];
}

/**
 * The choice for a result: the server's own wording where the combo has it.
 *
 * @param {any} widget
 * @param {Item} item
 */
function choice(widget, item) {
  const values = widget.options?.values;
  const known = Array.isArray(values) && values.find((/** @type {unknown} */ each) => idOf(each) === item.id);
  return known || item.choice;
}

/**
 * A Load Paid Result node for `item` in the middle of what is seen of the canvas, selected.
 *
 * @param {Item} item
 * @param {HTMLElement} panel
 */
export function addLoadNode(item, panel) {
  const node = create(LOAD_RESULT);
  const [x, y] = centre(panel);
  node.pos = [x - node.size[0] / 2, y - node.size[1] / 2];
  changing(() => current().add(node));
  const widget = node.widgets?.find((/** @type {any} */ each) => each.name === "result");
  if (widget) {
    const value = choice(widget, item);
    offer(widget, value);
    widget.value = value;
    widget.callback?.(value);
  }
  select([node]);
}

/** One step for Undo. @param {() => void} work */
function changing(work) {
  const graph = current();
  graph.beforeChange?.();
  try {
    work();
  } finally {
    graph.afterChange?.();
    graph.setDirtyCanvas?.(true, true);
  }
}

/** @param {any[]} items */
function select(items) {
  if (app.canvas.selectItems) app.canvas.selectItems(items);
  else app.canvas.selectNodes?.(items);
}

/** Opens the graph that made a result, in a tab of its own where ComfyUI has tabs. @param {Item} item */
export async function openGraph(item) {
  const graph = await ask(`${resultPath(item.id)}/graph`);
  await app.loadGraphData(graph, true, true, item.id);
}

/**
 * Adds the nodes of a template beside those of the graph in view, selected and in sight.
 *
 * @param {string} name
 */
export async function insertTemplate(name) {
  const template = await json(`/workflow_templates/${folder()}/${name}.json`);
  const [dx, dy] = beside(template.nodes);
  /** @type {any[]} */
  let added = [];
  changing(() => {
    added = addNodes(template, dx, dy);
  });
  select(added);
  await drawnAgain(); // before that the new nodes have no size to fit the view to
  await app.extensionManager?.command?.execute?.("Comfy.Canvas.FitView");
}

/** Two frames: one that draws, one that comes after it. */
function drawnAgain() {
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}

/** How far a template is moved so that it lies to the right of all there is. @param {any[]} nodes */
function beside(nodes) {
  const there = current()._nodes ?? current().nodes ?? [];
  if (!there.length) return [0, 0];
  const right = Math.max(...there.map((/** @type {any} */ node) => node.pos[0] + node.size[0]));
  const top = Math.min(...there.map((/** @type {any} */ node) => node.pos[1]));
  return [
    right + GAP_PX - Math.min(...nodes.map((node) => node.pos[0])),
    top - Math.min(...nodes.map((node) => node.pos[1])),
  ];
}

/** @param {any} template @param {number} dx @param {number} dy */
function addNodes(template, dx, dy) {
  const byId = new Map();
  for (const { id, ...saved } of template.nodes) {
    const node = create(saved.type);
    for (const input of saved.inputs ?? []) input.link = null;
    for (const output of saved.outputs ?? []) output.links = null;
    node.configure({ ...saved, pos: [saved.pos[0] + dx, saved.pos[1] + dy] });
    current().add(node);
    byId.set(id, node);
  }
  for (const [, from, output, to, input] of template.links) byId.get(from).connect(output, byId.get(to), input);
  return [...byId.values()];
}
