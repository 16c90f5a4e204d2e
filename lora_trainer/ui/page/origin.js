/** Whose settings the form shows: those of the job, of one to come, or what was written here before. */

import { button, h, say, show } from "./dom.js";
import { alive } from "./live.js";

/** A line above the settings. @param {import("./main.js").App} app @param {import("./form.js").Form} form */
export function origin(app, form) {
  const text = h("span", { role: "status" });
  const theirs = button("", () => showJob(app, app.store.get("job")), { class: "lt-link lt-of-job" });
  const mine = button(app.t("origin.mine"), () => app.chooseDataset(form.takeBack()), { class: "lt-link lt-mine" });
  const row = h("div", { class: "lt-row lt-origin" }, text, theirs, mine);
  app.store.on(["job", "changes", "preset", "aside", "dataset"], () => {
    const { job, aside } = app.store.values;
    const same = job && isOf(app, form, job);
    const open = alive(job) || job?.state === "paused";
    const key = same ? (open ? "origin.running" : "origin.ended") : open ? "origin.next" : "origin.other";
    say(text, job ? app.t(key, { name: job.name }) : "");
    say(theirs, job ? app.t("origin.show", { name: job.name }) : "");
    show(theirs, Boolean(job) && !same);
    show(mine, aside.length > 0);
    show(row, Boolean(job) || aside.length > 0);
  });
  return row;
}

/** At first sight: the settings of a job that is on its way, else what was written here last, else those of the last job. */
export function begin(app, form) {
  const { job } = app.store.values;
  const open = alive(job) || job?.state === "paused";
  if (job && (open || !form.written)) showJob(app, job);
}

/** The settings and pictures of a job, in place of what is in the form; that is put aside. */
export function showJob(app, job) {
  app.form.showJob(job);
  const known = (app.store.get("server")?.datasets || []).some((set) => set.id === job.dataset);
  if (known) app.chooseDataset(job.dataset);
}

const isOf = (app, form, job) => form.isOf(job) && (!job.dataset || job.dataset === app.store.get("dataset"));
