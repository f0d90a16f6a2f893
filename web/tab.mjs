// @ts-check
/** The tab in ComfyUI's sidebar: put there, taken away, opened. */

import { app, toast } from "./host.mjs";
import { Panel } from "./panel.mjs";
import { loadWords, word } from "./words.mjs";

/** @typedef {{ check?: boolean, result?: string }} Wish `check` runs the free check, `result` is shown in the list */

const TAB = "gpt4o-image";

/** @type {Panel | null} */
let panel = null;
/** What is to be done once the tab is open. @type {Wish} */
let wish = {};
let registered = false;

/** @param {boolean} on */
export function showTab(on) {
  const manager = app.extensionManager;
  if (on === registered || !manager?.registerSidebarTab) return;
  registered = on;
  const tabs = manager.sidebarTab;
  // Older front ends take a tab away and still hold it for the open one.
  if (!on && tabs?.activeSidebarTabId === TAB) tabs.toggleSidebarTab?.(TAB);
  if (on)
    manager.registerSidebarTab({
      id: TAB,
      icon: "g4i-tab-icon",
      title: "GPT-4o Image",
      tooltip: "GPT-4o Image",
      type: "custom",
      render,
      destroy,
    });
  else manager.unregisterSidebarTab?.(TAB);
}

/** ComfyUI calls this again whenever it draws the tab's frame. @param {HTMLElement} container */
async function render(container) {
  if (panel && container.contains(panel.element)) return;
  destroy();
  container.classList.add("g4i-container");
  const mounting = (mount = {});
  await loadWords();
  if (mount !== mounting) return; // closed, or opened again, meanwhile
  panel = new Panel();
  container.replaceChildren(panel.element);
  await panel.start();
  grant();
}

/** @type {object | null} */
let mount = null;

function destroy() {
  mount = null;
  panel?.destroy();
  panel = null;
}

function grant() {
  if (wish.check) panel?.head.check();
  if (wish.result) panel?.reveal(wish.result);
  wish = {};
}

/** Opens the tab. @param {Wish} [wanted] */
export async function openTab(wanted = {}) {
  const tabs = app.extensionManager?.sidebarTab;
  if (!registered || !tabs) {
    await loadWords();
    toast("info", word("tabOff"), word("tabOffHint"));
    return;
  }
  wish = wanted;
  if (panel) grant();
  if (tabs.activeSidebarTabId !== TAB) tabs.toggleSidebarTab?.(TAB);
}

/** The gateway shown was changed in the settings. */
export function gatewayChanged() {
  panel?.head.refresh().catch(() => undefined);
}
