// @ts-check
/** The tab in ComfyUI's side bar: put there, taken away, opened. */

import { app, toast } from "./host.mjs";
import { Panel } from "./panel.mjs";
import { loadWords, word } from "./words.mjs";

const TAB = "gpt4o-image";

/** @type {Panel | null} */
let panel = null;
let checkOnceOpen = false;
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
  panel.start();
  if (checkOnceOpen) panel.head.check();
  checkOnceOpen = false;
}

/** @type {object | null} */
let mount = null;

function destroy() {
  mount = null;
  panel?.destroy();
  panel = null;
}

/** Opens the tab; `check` runs the free check in it. @param {{ check?: boolean }} [options] */
export async function openTab({ check = false } = {}) {
  const tabs = app.extensionManager?.sidebarTab;
  if (!registered || !tabs) {
    await loadWords();
    toast("info", word("tabOff"), word("tabOffHint"));
    return;
  }
  checkOnceOpen = check && !panel;
  if (check && panel) panel.head.check();
  if (tabs.activeSidebarTabId !== TAB) tabs.toggleSidebarTab?.(TAB);
}

/** The gateway shown was changed in the settings. */
export function gatewayChanged() {
  panel?.head.refresh().catch(() => undefined);
}
