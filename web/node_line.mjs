// @ts-check
/** The line that stays on a node after its run: how it ended, what it cost. It goes when the next run begins. */

import { make, say } from "./dom.mjs";
import { locatorOf, nodeOf, nodesOf, root } from "./graph.mjs";
import { dispatch, forgetPreview, listen } from "./host.mjs";
import { recalled, remember } from "./memory.mjs";
import { notify } from "./notices.mjs";
import { lineOf } from "./outcomes.mjs";
import { openTab } from "./tab.mjs";
import { loadWords, word } from "./words.mjs";

/** @typedef {import("./outcomes.mjs").Outcome} Outcome */

const WIDGET = "gpt4o_image_outcome";
// What front ends show of the text that a running node sends; from 1.58 on they take it away themselves.
const RUNNING_TEXT = "$$node-text-preview";
const LINE_PX = 16;
const PADDING_PX = 8;
const MARGIN_PX = 4;

/** The runs that go on, by prompt and node: the outcomes of a list come one by one. @type {Map<string, Outcome[]>} */
const runs = new Map();

/** The server's event: a run of a node begins (`outcome` is null) or has ended. */
export function followOutcomes() {
  listen("gpt4o_image.outcome", async (told) => {
    await loadWords();
    ended(told);
  });
}

/** @param {{ node: string, prompt: string, item: number, graph: string, outcome: Outcome | null }} told */
function ended({ node: id, prompt, graph, outcome }) {
  const run = `${prompt}/${id}`;
  const outcomes = [...(runs.get(run) ?? []), ...(outcome ? [outcome] : [])];
  runs.set(run, outcomes);
  for (const old of [...runs.keys()].slice(0, -50)) runs.delete(old);
  remember(graph, id, outcomes);
  const node = graph === root()?.id ? nodeOf(id) : null;
  if (outcome?.error && outcome.error.kind !== "cancelled") notify(outcome, node?.title);
  if (!node) return; // another workflow is in front
  if (outcome) withoutRunningViews(node);
  if (outcome?.error && outcomes.every((each) => each.error)) withoutPictures(node, id, prompt);
  show(node, outcomes);
}

/** ComfyUI's hook after a graph was loaded: what its nodes came to before. */
export async function graphLoaded() {
  await loadWords();
  for (const [id, node] of nodesOf()) {
    const outcomes = recalled(root().id, id);
    if (outcomes.length) show(node, outcomes);
  }
}

/**
 * The older pictures of a node would stand under its failure.
 *
 * @param {any} node
 * @param {string} id
 * @param {string} prompt
 */
function withoutPictures(node, id, prompt) {
  node.imgs = undefined;
  dispatch("executed", { node: id, display_node: id, prompt_id: prompt, output: { images: [] } });
}

/** The text and the preview of a run that is over, which would cover what it came to. @param {any} node */
function withoutRunningViews(node) {
  const widget = node.widgets?.find((/** @type {any} */ each) => each.name === RUNNING_TEXT);
  if (widget) node.removeWidget(widget);
  forgetPreview(locatorOf(node));
}

/** @param {any} node @param {Outcome[]} outcomes */
function show(node, outcomes) {
  if (!node.addDOMWidget) return;
  const known = node.widgets?.find((/** @type {any} */ each) => each.name === WIDGET);
  if (!known && !outcomes.length) return;
  const line = known?.g4i ?? new NodeLine(node);
  line.show(outcomes);
}

class NodeLine {
  /** @param {any} node */
  constructor(node) {
    this.node = node;
    this.lines = 0;
    this.text = make("button", { type: "button", onclick: () => this.id && openTab({ result: this.id }) });
    this.element = make("div", { class: "g4i g4i-outcome", role: "status" }, this.text);
    const height = () => (this.lines ? this.lines * LINE_PX + PADDING_PX + 2 * MARGIN_PX : 0);
    this.widget = node.addDOMWidget(WIDGET, WIDGET, this.element, {
      serialize: false,
      hideOnZoom: false,
      margin: MARGIN_PX,
      getMinHeight: height,
      getMaxHeight: height,
    });
    this.widget.serialize = false;
    this.widget.g4i = this;
  }

  /** @param {Outcome[]} outcomes none while a run goes on */
  show(outcomes) {
    const line = outcomes.length ? lineOf(outcomes) : { text: "", tone: "good", id: null, lines: 0 };
    this.id = line.id;
    this.lines = line.lines;
    say(this.text, line.text);
    this.text.title = line.id ? `${line.text}\n${word("outcomeOpen")}` : line.text;
    this.text.disabled = !line.id;
    this.element.dataset.tone = line.tone;
    this.element.dataset.lines = String(line.lines);
    this.element.hidden = !line.lines;
    this.element.toggleAttribute("data-plain", outcomes.some((each) => each.lines));
    this.#makeRoom();
  }

  /** On the classic canvas a node does not grow by itself with what is added to it. */
  #makeRoom() {
    const { node } = this;
    if (/** @type {any} */ (globalThis).LiteGraph.vueNodesMode) return;
    const [width, height] = node.computeSize();
    if (node.size[1] < height) node.setSize([Math.max(node.size[0], width), height]);
    node.setDirtyCanvas?.(true, true);
  }
}
