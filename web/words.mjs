// @ts-check
/** The pack's words in the language of the front end: locales/<language>/main.json as ComfyUI serves it. */

import { json, setting } from "./host.mjs";

const NAMESPACE = "gpt4oImage";
const FALLBACK = "en";

/** @type {Promise<void> | null} */
let loading = null;
/** @type {Record<string, Record<string, string>>} */
let languages = {};

/** Loads the words once; call it before the first `word`. A failure leaves the keys and is tried again next time. */
export function loadWords() {
  loading ??= json("/i18n").then(
    (packs) => {
      for (const [code, words] of Object.entries(packs)) {
        if (words?.[NAMESPACE]) languages[code] = words[NAMESPACE];
      }
    },
    () => {
      loading = null;
    },
  );
  return loading;
}

/** The language to write numbers and dates in: the front end's. */
export function language() {
  const chosen = String(setting("Comfy.Locale") || FALLBACK);
  try {
    return Intl.getCanonicalLocales(chosen)[0];
  } catch {
    return FALLBACK;
  }
}

/** @param {string} key */
function find(key) {
  const chosen = language();
  for (const code of [chosen, chosen.split("-")[0], FALLBACK]) {
    const found = languages[code]?.[key];
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The words for `key`; `<name>` in them is replaced by `values.name`.
 *
 * Angle brackets, because ComfyUI gives the same files to vue-i18n, which gives braces its own meaning.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function word(key, values = {}) {
  return (find(key) ?? key).replace(/<(\w+)>/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * The words for `n` things: the key ends in the plural form that the language uses for it.
 *
 * @param {string} key
 * @param {number} n
 * @param {Record<string, string | number>} [values]
 */
export function words(key, n, values = {}) {
  const form = `${key}_${new Intl.PluralRules(language()).select(n)}`;
  const chosen = find(form) === undefined ? `${key}_other` : form;
  return word(chosen, { n: new Intl.NumberFormat(language()).format(n), ...values });
}
