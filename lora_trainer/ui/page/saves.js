/** The names of a run's saves. */

/** "Step 200", and what is special about it. @param {import("./main.js").App} app */
export function saveName(app, job, save) {
  const best = job.best_step && save.step === job.best_step;
  return app.t(save.final ? "tryout.save_last" : best ? "tryout.save_best" : "tryout.save", { step: save.step });
}

/** The name of a save in a grid: by the step at which it was drawn, else by the job's; else the file. */
export function rowName(app, grid, file) {
  const save = app.store.get("job")?.saves.find((one) => one.file === file);
  const step = grid.save_steps?.[file] ?? save?.step;
  return step === undefined ? file : app.t("tryout.save", { step });
}

/** What a save is called now that was drawn at a step: a run that goes on gives its last one another name. */
export function fileAt(job, { step, save }) {
  return job.saves.find((one) => one.step === step)?.file ?? save;
}
