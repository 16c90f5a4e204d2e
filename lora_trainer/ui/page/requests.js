/** What a try-out needs, and where one of its cells stands. */

/** The message id of what a request lacks, or "". */
export function nothingMissing({ prompts, saves, strengths, pause }) {
  if (!saves.length && !pause) return "tryout.need_save";
  if (!strengths.length) return "tryout.need_strength";
  return prompts.length ? "" : "tryout.need_prompt";
}

/** The prompt of a cell as a number in the request's list; servers may name it by text. */
export function promptOf(cell, prompts) {
  return typeof cell.prompt === "number" ? cell.prompt : Math.max(0, prompts.indexOf(cell.prompt));
}

/** One name for one place of a grid. */
export function place(save, strength, prompt) {
  return JSON.stringify([save, Number(Number(strength).toFixed(4)), prompt]);
}
