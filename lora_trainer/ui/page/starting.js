/** Begins a training with what the form says, or shows what stands in its way. */

import { readable } from "./controls.js";
import { nested } from "./form.js";
import { alive } from "./live.js";

/** Begin, after asking where a LoRA of that name would be replaced. @returns {Promise<any>} the job, or nothing */
export async function start(app, replace = false) {
  app.store.set({ ordered: true, tried: true });
  const { dataset } = app.store.values;
  try {
    const job = await app.api.post("jobs", { values: nested(app.form.values()), dataset: dataset || null, replace });
    follow(app, job);
    return job;
  } catch (error) {
    if (error.sentence?.code === "lora_exists" && !replace) return await another(app, error);
    if (error.problems?.length) refuse(app, error);
    else app.failed(error);
  } finally {
    app.store.set({ ordered: false });
    app.live.soon();
  }
  return undefined;
}

/** Show the new run; while another one is on its way that one stays in sight, with its buttons, and the line names the new one. */
function follow(app, job) {
  if (alive(app.store.get("job"))) app.dialogs.notice(app.t("training.in_line", { name: job.name }));
  else app.store.set({ shown: job.id, job, run: null });
}

/** The name is taken: replace what is there, or write another name. */
async function another(app, { sentence }) {
  const detail = app.t("training.replace_at_end");
  if (await app.dialogs.ask(app.words.sentence(sentence), app.t("training.replace"), detail)) return start(app, true);
  app.page.querySelector("[data-path='save.name'] .lt-input")?.select();
  return undefined;
}

/** Show what keeps a run from starting, at the first control that it concerns. */
function refuse(app, { problems }) {
  app.store.set({ check: { ...app.store.get("check"), problems } });
  app.dialogs.notice([...new Set(problems.map((one) => readable(app, one)))].join(" "), "bad");
  if (problems.some((one) => one.code === "pictures_missing")) {
    app.page.querySelector(".lt-drop button")?.focus();
    return;
  }
  const wrong = app.page.querySelector(".lt-field.lt-wrong");
  for (let fold = wrong?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  wrong?.querySelector("input, select, textarea")?.focus();
}
