// @ts-check
/** The paid results as the sidebar knows them: pages, filters, live changes. Pure: no page, no server. */

/** The server's states of a result, in the order of the filter. @type {["saved", "links", "unread", "failed", "running"]} */
export const STATES = ["saved", "links", "unread", "failed", "running"];

/**
 * One result as the server sends it.
 *
 * @typedef {object} Item
 * @property {string} id
 * @property {string} choice its name in Load Paid Result
 * @property {number} number grows with every result
 * @property {number} created seconds since 1970
 * @property {State} state
 * @property {string | null} kind
 * @property {string | null} message
 * @property {"yes" | "no" | "unknown"} billed
 * @property {number | null} cost_usd
 * @property {string} gateway
 * @property {string} model
 * @property {string} prompt its beginning
 * @property {number} pictures how many are known
 * @property {number[]} stored those that are files
 * @property {number | null} percent while it runs
 * @property {boolean} has_graph
 * @property {boolean} has_answer the gateway's answer is kept
 *
 * @typedef {typeof STATES[number]} State
 */

/**
 * @typedef {{ results: Item[], total: number, next: number | null }} Page
 */

/** What a card says of its state. @param {Item} item */
export function stateOf(item) {
  return item.state === "saved" && item.stored.length < item.pictures ? "partly" : item.state;
}

/** Whether something of it can still be downloaded, or read in the answer that is kept. @param {Item} item */
export function canFetch(item) {
  return stateOf(item) === "partly" || item.state === "links" || item.state === "unread";
}

/** The id in a choice of Load Paid Result. @param {unknown} choice */
export function idOf(choice) {
  return String(choice ?? "")
    .split(" | ")[0]
    .trim();
}

/** Results in the order of the sidebar, newest first. */
export class Results {
  constructor() {
    /** @type {Item[]} */
    this.items = [];
    this.total = 0;
    /** @type {number | null} */
    this.next = null;
  }

  /** @param {Page} page */
  start(page) {
    this.items = [...page.results];
    this.total = page.total;
    this.next = page.next;
  }

  /**
   * The page after the last; what a live change has brought meanwhile is not taken twice.
   *
   * @param {Page} page
   */
  append(page) {
    const known = new Set(this.items.map((item) => item.id));
    this.items.push(...page.results.filter((item) => !known.has(item.id)));
    this.total = Math.max(page.total, this.items.length);
    this.next = page.next;
  }

  /** @param {string} id */
  find(id) {
    return this.items.find((item) => item.id === id);
  }

  /**
   * A result as it is now. Gives the row where it was added, or null when no row has moved.
   * `shown`: whether it passes the filter.
   *
   * @param {Item} item
   * @param {boolean} shown
   * @returns {{ added: number } | { removed: number } | null}
   */
  put(item, shown) {
    const at = this.items.findIndex((each) => each.id === item.id);
    if (at >= 0 && shown) {
      this.items[at] = item;
      return null;
    }
    if (at >= 0) {
      this.items.splice(at, 1);
      this.total -= 1;
      return { removed: at };
    }
    return shown ? this.#insert(item) : null;
  }

  /** @param {Item} item */
  #insert(item) {
    const older = this.items.findIndex((each) => each.number < item.number);
    // Older than all that is loaded: its page will bring it.
    if (older < 0 && this.next !== null) return null;
    const row = older < 0 ? this.items.length : older;
    this.items.splice(row, 0, item);
    this.total += 1;
    return { added: row };
  }
}
