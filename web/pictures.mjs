// @ts-check
/** Drags and downloads stored pictures; their addresses and file names. */

import { make } from "./dom.mjs";
import { address, resultPath } from "./host.mjs";

/** @typedef {import("./results.mjs").Item} Item */

/** The address of a thumbnail, of the first picture that is there. @param {Item} item @param {number} [picture] */
export function thumbnail(item, picture = item.stored[0]) {
  return address(`${resultPath(item.id)}/pictures/${picture}/thumbnail`);
}

/** The address of a picture's bytes as the gateway sent them. @param {Item} item @param {number} [picture] */
export function pictureAddress(item, picture = item.stored[0]) {
  return address(`${resultPath(item.id)}/pictures/${picture}`);
}

/** Saves one picture; the server names the file. @param {Item} item @param {number} picture */
export function download(item, picture) {
  follow(pictureAddress(item, picture), "");
}

/** Saves the pictures of several results as one zip. @param {string[]} ids */
export function downloadZip(ids) {
  follow(address(`/zip?ids=${ids.map(encodeURIComponent).join(",")}`), "gpt-4o-image.zip");
}

/** @param {string} href @param {string} name of the file; "" for the server's */
function follow(href, name) {
  const link = make("a", { href, download: name || true });
  document.body.append(link);
  link.click();
  link.remove();
}

/**
 * Puts a picture on the mouse: a folder takes it as a file, a page as a picture or its address.
 *
 * @param {DataTransfer} transfer
 * @param {Item} item
 * @param {number} [picture]
 */
export function carry(transfer, item, picture = item.stored[0]) {
  const whole = new URL(pictureAddress(item, picture), location.href).href;
  transfer.setData("DownloadURL", `image/png:${item.id}-${picture}.png:${whole}`);
  transfer.setData("text/uri-list", whole);
  transfer.effectAllowed = "copyLink";
}
