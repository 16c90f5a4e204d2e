/** What judges say of a picture, in a few signs that a legend explains. */

import { h } from "./dom.js";

const SIGNS = { likeness: "\u2248", faithfulness: "\u00b6", change: "\u0394" };

const known = (score) => Object.keys(SIGNS).filter((name) => typeof score?.[name] === "number");

/** The figures of one picture. @param {import("./main.js").App} app @param {Record<string, number | null>} [score] */
export function figures(app, score) {
  return known(score).map((name) => {
    const value = score[name].toFixed(2);
    const title = `${app.t(`score.${name}`)}: ${value}. ${app.t(`score.${name}_hint`)}`;
    return h("span", { title }, h("i", { "aria-hidden": "true" }, SIGNS[name]), value);
  });
}

/** What the signs mean, of those that there are. @param {import("./main.js").App} app @param {any[]} scores */
export function legend(app, scores) {
  const names = Object.keys(SIGNS).filter((name) => scores.some((score) => known(score).includes(name)));
  return names.map((name) =>
    h("span", { title: app.t(`score.${name}_hint`) }, h("i", { "aria-hidden": "true" }, SIGNS[name]), app.t(`score.${name}`)),
  );
}
