// @ts-check
/** Drags a card's picture, or the graph that made it. */

import { address, resultPath } from "./host.mjs";
import { carry } from "./pictures.mjs";

/**
 * @typedef {import("./results.mjs").Item} Item
 * @typedef {import("./card.mjs").Actions} Actions
 */

/** The address of a result's graph. @param {Item} item */
function graphAddress(item) {
  return new URL(address(`${resultPath(item.id)}/graph`), location.href).href;
}

/**
 * A picture leaves the page as a picture; on the graph it becomes a Load Paid Result node. The rest of the card opens
 * the graph. In another window the address of either is what is dropped.
 *
 * @param {DragEvent} event
 * @param {Item} item
 * @param {Actions} actions
 */
export function startDrag(event, item, actions) {
  if (!event.dataTransfer) return;
  const picture = event.target instanceof Element && event.target.closest(".g4i-thumbnail") && item.stored.length > 0;
  if (picture) {
    carry(event.dataTransfer, item);
    onGraph(() => actions.addNode(item));
  } else if (item.has_graph) {
    event.dataTransfer.setData("text/uri-list", graphAddress(item));
    event.dataTransfer.effectAllowed = "copyLink";
    onGraph(() => actions.openGraph(item));
  }
}

/** `work` when it is dropped on the graph, in place of ComfyUI's own way with an address. @param {() => void} work */
function onGraph(work) {
  const ended = new AbortController();
  const dropped = (/** @type {DragEvent} */ drop) => {
    ended.abort();
    drop.preventDefault();
    drop.stopPropagation();
    const inside = drop.target instanceof Element && drop.target.closest(".g4i");
    if (!inside) work();
  };
  document.addEventListener("drop", dropped, { capture: true, signal: ended.signal });
  document.addEventListener("dragend", () => ended.abort(), { capture: true, signal: ended.signal });
}
