// @ts-check
/** Numbers, money and times in the reader's language. Pure. */

/** @type {Map<string, Intl.NumberFormat | Intl.DateTimeFormat>} */
const made = new Map();

/**
 * Intl's objects are slow to make and quick to use.
 *
 * @template {Intl.NumberFormat | Intl.DateTimeFormat} Format
 * @param {string} key
 * @param {() => Format} build
 * @returns {Format}
 */
function once(key, build) {
  if (!made.has(key)) made.set(key, build());
  return /** @type {Format} */ (made.get(key));
}

/**
 * US dollars: up to four digits, so that 0.009 is not 0.01; nothing is $0.
 *
 * @param {number} usd
 * @param {string} language
 */
export function money(usd, language) {
  const minimumFractionDigits = usd === 0 ? 0 : 2;
  return once(
    `money ${language} ${minimumFractionDigits}`,
    () =>
      new Intl.NumberFormat(language, {
        style: "currency",
        currency: "USD",
        minimumFractionDigits,
        maximumFractionDigits: 4,
      }),
  ).format(usd);
}

/** @param {number} number @param {string} language */
export function whole(number, language) {
  return once(`whole ${language}`, () => new Intl.NumberFormat(language)).format(number);
}

/** 0..100 as the language writes it. @param {number} percent @param {string} language */
export function percentage(percent, language) {
  return once(`percent ${language}`, () => new Intl.NumberFormat(language, { style: "percent" })).format(percent / 100);
}

/**
 * The time of day for today, else the date with it.
 *
 * @param {number} seconds since 1970
 * @param {string} language
 * @param {Date} [now]
 */
export function shortTime(seconds, language, now = new Date()) {
  const then = new Date(seconds * 1000);
  const today = then.toDateString() === now.toDateString();
  return once(
    `${today ? "time" : "date"} ${language}`,
    () =>
      new Intl.DateTimeFormat(language, today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" }),
  ).format(then);
}

/** The day and the month. @param {Date} date @param {string} language */
export function dayOf(date, language) {
  return once(`day ${language}`, () => new Intl.DateTimeFormat(language, { month: "short", day: "numeric" })).format(date);
}

/** @param {number} seconds since 1970 @param {string} language */
export function fullTime(seconds, language) {
  return once(
    `full ${language}`,
    () => new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "medium" }),
  ).format(new Date(seconds * 1000));
}
