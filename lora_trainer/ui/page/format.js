/** Numbers as people read them. */

/** Seconds as "40 s", "3 min 20 s", "2 h 5 min". @param {number} seconds @param {(id: string, values: any) => string} t */
export function duration(seconds, t) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t("time.seconds", { s: whole });
  if (whole < 3600) return t("time.minutes", { m: Math.floor(whole / 60), s: whole % 60 });
  return t("time.hours", { h: Math.floor(whole / 3600), m: Math.floor((whole % 3600) / 60) });
}

/** Bytes as "70 kB", "820 MB" or "3.2 GB". */
export function bytes(count) {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`;
  if (count < 1e6) return `${Math.ceil(count / 1e3)} kB`;
  return `${Math.round(count / 1e6)} MB`;
}

/** At most `digits` significant digits, without zeros at the end: 0.0001, 0.6, 1. */
export function short(number, digits = 3) {
  return Number.isFinite(number) ? String(Number(number.toPrecision(digits))) : "–";
}

/** The last part of a path of any system. */
export function baseName(path) {
  return String(path).split(/[\\/]/).pop();
}

/** Numbers in a text such as "0, 0.5 1"; what is no number is left out. */
export function numbers(text) {
  return String(text)
    .split(/[\s,;，、]+/)
    .filter(Boolean)
    .map(Number)
    .filter(Number.isFinite);
}

/** Lines of a text that are not empty. */
export function lines(text) {
  return String(text)
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}
