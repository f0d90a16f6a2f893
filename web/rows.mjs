// @ts-check
/** Arithmetic of the virtual list: the rows to draw, and where a key leads. Pure. */

/** Height of one card with the gap below it, in pixels; the style sheet has the same. */
export const ROW_PX = 132;
const BEYOND = 4;

/**
 * The rows `[first, end)` to draw for a window at `scroll_px`: those in sight and a few beyond either edge.
 *
 * @param {number} scroll_px
 * @param {number} height_px
 * @param {number} count
 */
export function drawn(scroll_px, height_px, count) {
  const { first, end } = inSight(scroll_px, height_px, count);
  return { first: Math.max(0, first - BEYOND), end: Math.min(count, end + BEYOND) };
}

/**
 * The rows `[first, end)` of which at least a part is in sight.
 *
 * @param {number} scroll_px
 * @param {number} height_px
 * @param {number} count
 */
export function inSight(scroll_px, height_px, count) {
  const first = Math.min(Math.max(0, Math.floor(scroll_px / ROW_PX)), Math.max(0, count - 1));
  const end = Math.min(count, Math.max(first, Math.ceil((scroll_px + height_px) / ROW_PX)));
  return { first, end };
}

/**
 * Where `key` leads from row `from`; null for a key that moves nothing.
 *
 * @param {string} key
 * @param {number} from
 * @param {number} height_px
 * @param {number} count
 * @returns {number | null}
 */
export function moved(key, from, height_px, count) {
  const page = Math.max(1, Math.floor(height_px / ROW_PX));
  /** @type {Record<string, number>} */
  const targets = {
    ArrowDown: from + 1,
    ArrowUp: from - 1,
    PageDown: from + page,
    PageUp: from - page,
    Home: 0,
    End: count - 1,
  };
  if (!(key in targets) || !count) return null;
  return Math.min(count - 1, Math.max(0, targets[key]));
}

/**
 * The scroll position that brings the whole of row `index` into sight with the least movement.
 *
 * @param {number} index
 * @param {number} scroll_px
 * @param {number} height_px
 */
export function scrollTo(index, scroll_px, height_px) {
  const top = index * ROW_PX;
  if (top < scroll_px) return top;
  return Math.max(scroll_px, Math.min(top, top + ROW_PX - height_px));
}
