// @ts-check
/** Elements by hand: text goes in as text, never as markup. */

/**
 * @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Properties
 * @typedef {Node | string | null | undefined | false} Child
 */

/**
 * An element. A property that starts with `on` is a listener, `true` a bare attribute; null and false are left out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else set(element, name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
export function set(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/**
 * A button that shows only an icon; its name is read out and shown as a tooltip.
 *
 * @param {string} icon
 * @param {string} name
 * @param {(event: MouseEvent) => void} pressed
 */
export function iconButton(icon, name, pressed) {
  return make(
    "button",
    { type: "button", class: "g4i-button g4i-icon-button", "aria-label": name, title: name, onclick: pressed },
    make("span", { class: `g4i-icon g4i-icon-${icon}`, "aria-hidden": "true" }),
  );
}

/**
 * Writes only what differs: the page is not laid out again for nothing.
 *
 * @param {Node} node
 * @param {string} text
 */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * `work` once the calls have paused for `pause_ms`.
 *
 * @param {() => void} work
 * @param {number} pause_ms
 */
export function debounced(work, pause_ms) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(work, pause_ms);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}
