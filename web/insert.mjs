// @ts-check
/** Adds nodes and templates to the graph: beside what is there, in sight, as one step for Undo. */

import { LOAD_RESULT, current } from "./graph.mjs";
import { app, ask, folder, json, resultPath } from "./host.mjs";
import { idOf } from "./results.mjs";
import { word } from "./words.mjs";

/**
 * @typedef {import("./results.mjs").Item} Item
 * @typedef {[x: number, y: number, width: number, height: number]} Box in the graph's own measure
 */

export const STICKER = "01 Sticker with a transparent background";
const GAP = 80;
const TITLE = 30;
const MARGIN_PX = 40;

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
 * A Load Paid Result node for `item` near the middle of what is seen of the canvas, selected.
 *
 * @param {Item} item
 */
export function addLoadNode(item) {
  const node = create(LOAD_RESULT);
  const { x, y } = middle();
  const [width, height] = node.size;
  const [left, top] = free([x - width / 2, y - height / 2 - TITLE, width, height + TITLE]);
  node.pos = [left, top + TITLE];
  changing(() => {
    current().add(node);
    choose(node, item);
  });
  select([node]);
}

/** @param {any} node @param {Item} item */
function choose(node, item) {
  const widget = node.widgets?.find((/** @type {any} */ each) => each.name === "result");
  if (!widget) return;
  const values = widget.options?.values;
  const known = Array.isArray(values) && values.find((/** @type {unknown} */ each) => idOf(each) === item.id);
  const value = known || item.choice;
  offer(widget, value);
  widget.value = value;
  widget.callback?.(value);
}

/** Opens the graph that made a result, in a tab of its own where ComfyUI has tabs. @param {Item} item */
export async function openGraph(item) {
  const graph = await ask(`${resultPath(item.id)}/graph`);
  await app.loadGraphData(graph, true, true, item.id);
}

/** Opens the sticker template and runs it: its gateway is the simulator, which is free. */
export async function makeSticker() {
  const template = await json(`/workflow_templates/${folder()}/${STICKER}.json`);
  await app.loadGraphData(template, true, true, STICKER, { openSource: "template" });
  await app.queuePrompt(0, 1);
}

/** Adds a template's nodes and groups beside those of the graph in view, selected and in sight. @param {string} name */
export async function insertTemplate(name) {
  const template = await json(`/workflow_templates/${folder()}/${name}.json`);
  const [dx, dy] = beside(boxOf(template.nodes));
  /** @type {any[]} */
  let nodes = [];
  changing(() => {
    nodes = addNodes(template, dx, dy);
    addGroups(template.groups ?? [], dx, dy);
  });
  select(nodes);
  await drawn(); // before that the new nodes have no size to bring into sight
  bringIntoSight(boxOf(nodes));
}

// How the graph is changed

/** @param {string} type */
function create(type) {
  const node = /** @type {any} */ (globalThis).LiteGraph.createNode(type);
  if (!node) throw new Error(word("nodeMissing", { node: type }));
  return node;
}

/** One step for Undo, kept for the next time the page is loaded. @param {() => void} work */
function changing(work) {
  const { canvas } = app;
  const step = (/** @type {() => void} */ change) => {
    canvas.emitBeforeChange?.();
    try {
      change();
    } finally {
      canvas.emitAfterChange?.();
    }
  };
  step(() => undefined); // what was changed by hand before is a step of its own
  step(work);
  current().setDirtyCanvas?.(true, true);
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

/** @param {any[]} groups @param {number} dx @param {number} dy */
function addGroups(groups, dx, dy) {
  const Group = /** @type {any} */ (globalThis).LGraphGroup;
  for (const { id: _, bounding, ...saved } of Group ? groups : []) {
    const [x, y, width, height] = bounding;
    const group = new Group();
    group.configure({ ...saved, bounding: [x + dx, y + dy, width, height] });
    current().add(group);
  }
}

/** @param {any[]} items */
function select(items) {
  if (app.canvas.selectItems) app.canvas.selectItems(items);
  else app.canvas.selectNodes?.(items);
}

// Where there is room

/** The boxes of nodes, titles included. @param {any[]} nodes @returns {Box[]} */
function boxes(nodes) {
  return nodes.map(({ pos, size }) => [pos[0], pos[1] - TITLE, size[0], size[1] + TITLE]);
}

/** What is there already: nodes and groups. @returns {Box[]} */
function taken() {
  const groups = (current()._groups ?? current().groups ?? []).map((/** @type {any} */ each) => [...each.pos, ...each.size]);
  return [...boxes(current().nodes ?? current()._nodes ?? []), ...groups];
}

/** @param {any[]} nodes @returns {Box} */
function boxOf(nodes) {
  const all = boxes(nodes);
  const left = Math.min(...all.map(([x]) => x));
  const top = Math.min(...all.map(([, y]) => y));
  const right = Math.max(...all.map(([x, , width]) => x + width));
  return [left, top, right - left, Math.max(...all.map(([, y, , height]) => y + height)) - top];
}

/** How far a box is moved so that it lies to the right of all there is. @param {Box} box */
function beside([x, y]) {
  const there = taken();
  if (!there.length) return [0, 0];
  const right = Math.max(...there.map(([left, , width]) => left + width));
  return [right + GAP - x, Math.min(...there.map(([, top]) => top)) - y];
}

/** The box, moved to the right as far as something is in its way. @param {Box} box @returns {Box} */
function free([x, y, width, height]) {
  const inTheWay = taken().find(
    ([left, top, wide, high]) =>
      x < left + wide + GAP && left < x + width + GAP && y < top + high + GAP && top < y + height + GAP,
  );
  return inTheWay ? free([inTheWay[0] + inTheWay[2] + GAP, y, width, height]) : [x, y, width, height];
}

// What is seen of the canvas

/** The part of the canvas that no sidebar hides, in pixels from its own corner. */
function visible() {
  const whole = app.canvas.canvas.getBoundingClientRect();
  const bar = document.querySelector(".g4i-panel")?.getBoundingClientRect();
  const atLeft = bar && bar.left - whole.left < whole.right - bar.right;
  const left = bar?.width && atLeft ? Math.max(whole.left, bar.right) : whole.left;
  const right = bar?.width && !atLeft ? Math.min(whole.right, bar.left) : whole.right;
  return { left: left - whole.left, width: right - left, height: whole.height };
}

/** Its middle, in the graph's own measure. */
function middle() {
  const { left, width, height } = visible();
  const { scale, offset } = app.canvas.ds;
  return { x: (left + width / 2) / scale - offset[0], y: height / 2 / scale - offset[1] };
}

/** @param {Box} box */
function bringIntoSight([x, y, width, height]) {
  const { ds } = app.canvas;
  const seen = visible();
  const scale = Math.min(1, (seen.width - 2 * MARGIN_PX) / width, (seen.height - 4 * MARGIN_PX) / height);
  ds.scale = Math.max(scale, ds.min_scale ?? 0.1);
  ds.offset[0] = (seen.left + seen.width / 2) / ds.scale - (x + width / 2);
  ds.offset[1] = seen.height / 2 / ds.scale - (y + height / 2);
  app.canvas.setDirty(true, true);
}

/** Two frames: one that draws, one that comes after it. */
function drawn() {
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}
