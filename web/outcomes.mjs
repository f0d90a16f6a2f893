// @ts-check
/** Words how the runs of a node ended: one line for the node, and the text of a failure's notice. Pure. */

import { money } from "./format.mjs";
import { language, word, words } from "./words.mjs";

/**
 * How one run ended, as the server sends it and keeps it in the history.
 *
 * @typedef {object} Outcome
 * @property {string | null} id of the result; null where nothing was sent
 * @property {"ok" | "error"} status
 * @property {number | null} cost_usd
 * @property {"yes" | "no" | "unknown"} billed
 * @property {boolean} reused
 * @property {number} pictures
 * @property {number | null} [expected] how many pictures were asked for; null where that was left to the model
 * @property {string[]} warnings
 * @property {number} seconds
 * @property {Failure | null} error
 * @property {string[]} [lines] of a node that is not paid: what it did
 *
 * @typedef {object} Failure
 * @property {string} kind
 * @property {string} message
 * @property {"yes" | "no" | "unknown"} billed
 * @property {string | null} gateway_text
 * @property {string | null} request_id
 *
 * @typedef {{ text: string, tone: "good" | "warn" | "bad", id: string | null, lines: number }} Line
 */

const TWO_LINES = 2;

/** The line on the node. A list is several runs of one node. @param {Outcome[]} outcomes @returns {Line} */
export function lineOf(outcomes) {
  const plain = outcomes.flatMap((each) => each.lines ?? []);
  if (plain.length) return { text: plain.join("\n"), tone: "good", id: null, lines: plain.length };
  const line = outcomes.length === 1 ? ofOne(outcomes[0]) : ofMany(outcomes);
  return { ...line, lines: line.text.length > 56 ? TWO_LINES : 1 };
}

/** @param {Outcome} outcome */
function ofOne(outcome) {
  const { id } = outcome;
  if (outcome.error) return { text: `${bill(outcome.error.billed)}: ${reason(outcome.error)}`, tone: toneOf(outcome), id };
  // Of a part the line points to the report already.
  const notes = outcome.warnings.length && !isPart(outcome) ? [words("outcomeWarnings", outcome.warnings.length)] : [];
  return { text: [made(outcome), ...notes].join(" · "), tone: toneOf(outcome), id };
}

/** @param {Outcome} outcome */
function made(outcome) {
  const values = { id: outcome.id ?? "", price: price(outcome), seconds: outcome.seconds };
  if (isPart(outcome)) return word("outcomePartly", { ...values, pictures: outcome.pictures, expected: Number(outcome.expected) });
  return word(outcome.reused ? "outcomeReused" : "outcomeSaved", values);
}

/** @param {Outcome[]} outcomes */
function ofMany(outcomes) {
  const bad = outcomes.filter((each) => each.error);
  const known = outcomes.map((each) => each.cost_usd);
  const sum = known.includes(null)
    ? word("priceUnknown")
    : money(known.reduce((/** @type {number} */ all, usd) => all + Number(usd), 0), language());
  const good = word("outcomeList", { kept: outcomes.length - bad.length, all: outcomes.length, price: sum });
  const first = bad[0]?.error;
  const failures = first ? [`${words("outcomeListFailed", bad.length)}: ${bill(first.billed)}, ${reason(first)}`] : [];
  return { text: [good, ...failures].join(" · "), tone: /** @type {Line["tone"]} */ (first ? "bad" : "good"), id: null };
}

/** @param {Outcome} outcome @returns {Line["tone"]} */
function toneOf(outcome) {
  if (outcome.error) return outcome.error.kind === "cancelled" ? "warn" : "bad";
  return isPart(outcome) || outcome.warnings.length ? "warn" : "good";
}

/** @param {Outcome} outcome */
function isPart(outcome) {
  return Boolean(outcome.expected && outcome.pictures < outcome.expected);
}

/** @param {Outcome} outcome */
function price(outcome) {
  return outcome.cost_usd === null ? word("priceUnknown") : money(outcome.cost_usd, language());
}

/** The bill, first of all that is said of a failure. @param {Failure["billed"]} billed */
export function bill(billed) {
  return word({ yes: "billedYes", no: "billedNo", unknown: "billedUnknown" }[billed] ?? "billedUnknown");
}

/** What happened, in the reader's language. @param {Failure} failure */
export function reason(failure) {
  return word(`kind_${failure.kind}`);
}

/** What to do, in the reader's language. @param {Failure} failure */
export function advice(failure) {
  return word(`advice_${failure.kind}`);
}
