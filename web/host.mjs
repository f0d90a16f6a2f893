// @ts-check
/** The only file that imports ComfyUI's scripts. What a front end lacks is left out; nothing here breaks the page. */

// @ts-ignore -- served by ComfyUI
import { api as hostApi } from "../../scripts/api.js";
// @ts-ignore -- served by ComfyUI
import { app as hostApp } from "../../scripts/app.js";

/** @type {any} */
export const app = hostApp;
/** @type {any} */
const api = hostApi;

const ROUTES = "/gpt4o_image";

/** A failed response: `kind` is the server's, or `missing` for no such route, `network` for no answer. */
export class ServerError extends Error {
  /**
   * @param {string} kind
   * @param {string} message
   * @param {number} status
   */
  constructor(kind, message, status) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

/** The route of one result, for `ask` and `address`. @param {string} id */
export function resultPath(id) {
  return `/results/${encodeURIComponent(id)}`;
}

/** The address of one of the pack's routes, for pictures and links. @param {string} path */
export function address(path) {
  return api.apiURL(ROUTES + path);
}

/**
 * The JSON of one of the pack's routes.
 *
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function ask(path, options = {}) {
  return json(ROUTES + path, options);
}

/**
 * The JSON of any of ComfyUI's routes. Raises ServerError.
 *
 * @param {string} path
 * @param {RequestInit} [options]
 */
export async function json(path, options = {}) {
  /** @type {Response} */
  let response;
  try {
    // A download may take longer than the minute that newer front ends wait for an answer.
    response = await api.fetchApi(path, { ...options, timeoutMs: null });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ServerError("network", String(error), 0);
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  const told = answer?.error;
  throw new ServerError(told?.kind ?? "missing", told?.message ?? `HTTP ${response.status}`, response.status);
}

/**
 * Listens to ComfyUI's websocket; the answer ends it.
 *
 * @param {string} type
 * @param {(detail: any) => void} told
 */
export function listen(type, told) {
  const listener = (/** @type {CustomEvent} */ event) => told(event.detail);
  api.addEventListener(type, listener);
  return () => api.removeEventListener(type, listener);
}

/** A message as if ComfyUI had sent it to this page. @param {string} type @param {unknown} detail */
export function dispatch(type, detail) {
  api.dispatchCustomEvent?.(type, detail);
}

/** The state of the front end's stores, where there is one: what is read of it, Vue watches. @returns {any} */
function stores() {
  const page = /** @type {any} */ (document.querySelector("#vue-app"))?.__vue_app__;
  return page?.config.globalProperties.$pinia?.state.value;
}

const DRAWN = "gpt4oImage";

/** To be read by what Nodes 2.0 are to draw again at `drawAgain`. */
export function drawnTimes() {
  return stores()?.[DRAWN]?.times ?? 0;
}

export function drawAgain() {
  const all = stores();
  if (all) all[DRAWN] = { times: drawnTimes() + 1 };
  app.canvas?.setDirty?.(true, true);
}

/**
 * Takes away the preview that a node had while it ran; front ends would show it for ever, before its pictures.
 *
 * @param {string} locator the node's name among outputs and previews
 */
export function forgetPreview(locator) {
  for (const previews of [app.nodePreviewImages, stores()?.nodeOutput?.nodePreviewImages]) {
    if (previews) delete previews[locator];
  }
}

/** @param {string} id */
export function setting(id) {
  return app.extensionManager?.setting?.get?.(id);
}

/** @param {string} id @param {unknown} value */
export async function changeSetting(id, value) {
  await app.extensionManager?.setting?.set?.(id, value);
}

/**
 * @param {"success" | "info" | "warn" | "error"} severity
 * @param {string} summary
 * @param {string} [detail]
 */
export function toast(severity, summary, detail) {
  app.extensionManager?.toast?.add?.({ severity, summary, detail, life: severity === "error" ? 10000 : 3000 });
}

/** The pack's folder under custom_nodes, as it is written in addresses. */
export function folder() {
  return new URL(".", import.meta.url).pathname.split("/").filter(Boolean).at(-1) ?? "";
}
