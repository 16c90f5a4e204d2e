/** The names of a run's saves. */

/** "Step 200", and what is special about it. @param {import("./main.js").App} app */
export function saveName(app, job, save) {
  const best = job.best_step && save.step === job.best_step;
  return app.t(save.final ? "tryout.save_last" : best ? "tryout.save_best" : "tryout.save", { step: save.step });
}

/** The step of a save's file, or the file where the job does not know it. @param {import("./main.js").App} app */
export function stepOf(app, job, file) {
  const save = job?.saves.find((one) => one.file === file);
  return save ? app.t("tryout.save", { step: save.step }) : file;
}
