/** Words in the reader's language. A catalogue maps message ids to templates with parameters: "{n} pictures". */

/** The catalogue that suits a language or the name of a host's localization: "zh-CN", "zh_CN", "zh-Hans (Stable)". */
export function suiting(name) {
  return /^(zh|chinese|简|中)/i.test(String(name).trim()) ? "zh-CN" : "en";
}

export class Words {
  /** @param {string} language @param {Record<string, string>} catalogue @param {Record<string, string>} english for ids that it lacks */
  constructor(language, catalogue, english) {
    Object.assign(this, { language, catalogue, english });
  }

  /** @param {URL} folder of the catalogues @param {string} language */
  static async load(folder, language) {
    const read = async (name) => (await fetch(new URL(`${name}.json`, folder))).json();
    const english = await read("en");
    return new Words(language, language === "en" ? english : await read(language), english);
  }

  /** The message `id`, filled with `values`. */
  t = (id, values = {}) => filledIn(this.catalogue[id] ?? this.english[id] ?? id, values);

  /** A sentence of the server: in the reader's language where the catalogue holds its code, else as it came. */
  sentence = (sentence) => {
    if (!sentence) return "";
    if (typeof sentence === "string") return sentence;
    const template = this.catalogue[sentence.code];
    return template ? filledIn(template, sentence.values || {}) : sentence.text || sentence.message || sentence.code;
  };

  /** The message `id` where there is one, else `otherwise`. */
  maybe = (id, otherwise) => this.catalogue[id] ?? this.english[id] ?? otherwise;
}

/** Python's `str.format` for names with an optional ".2f", "g" or "," after a colon. */
export function filledIn(template, values) {
  return template.replace(/\{(\w+)(?::([^}]*))?\}/g, (whole, name, form) =>
    name in values ? formed(values[name], form) : whole,
  );
}

function formed(value, form = "") {
  if (Array.isArray(value)) return value.map((one) => formed(one)).join(", ");
  if (typeof value !== "number") return String(value ?? "");
  const fixed = /^,?\.(\d+)f$/.exec(form);
  if (fixed) return value.toFixed(Number(fixed[1]));
  const percent = /^\.(\d+)%$/.exec(form);
  if (percent) return `${(value * 100).toFixed(Number(percent[1]))}%`;
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
