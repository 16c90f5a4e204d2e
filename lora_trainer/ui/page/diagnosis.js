/** What went wrong with the run that is shown, each with what to do: options for the next run, or a look at pictures. */

import { ApiError } from "./api.js";
import { button, fill, h, say, show } from "./dom.js";
import { alive } from "./live.js";

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** @param {import("./main.js").App} app */
export function diagnosis(app) {
  const title = h("h3", { class: "lt-diagnosis-title" }, app.t("diagnosis.title"));
  const list = h("ul", { class: "lt-diagnosis-list" });
  const element = h("div", { class: "lt-diagnosis", role: "status", "aria-live": "polite", hidden: true }, title, list);
  /** What the server read in the records of a run that has ended, by the run and its last step. */
  const read = new Map();
  let drawn = null;
  let items = [];

  const draw = () => {
    const { job, run } = app.store.values;
    const found = (job && read.get(keyOf(job))) || run?.advice || [];
    if (drawn && same(drawn, [job?.id, found])) return;
    drawn = [job?.id, found];
    items = found.map((advice) => item(app, advice));
    fill(
      list,
      items.map((one) => one.element),
    );
    show(element, found.length > 0);
  };
  app.store.on(["changes", "preset"], () => items.forEach((one) => one.follow()));
  app.store.on(["job", "run"], () => {
    draw();
    ask(app, read).then((news) => news && draw());
  });
  return element;
}

const keyOf = (job) => `${job.id} ${job.state} ${job.step}`;

/** Have the records of a run that rests read again, once. @returns {Promise<boolean>} whether there is news */
async function ask(app, read) {
  const { job } = app.store.values;
  if (!job || alive(job) || read.has(keyOf(job))) return false;
  const key = keyOf(job);
  read.set(key, null);
  try {
    read.set(key, (await app.api.get(["jobs", job.id, "advice"])).advice);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    read.delete(key); // what the run itself told stands meanwhile
    return false;
  }
}

/** One piece of advice; `follow` lets its button say whether the form says so already. */
function item(app, advice) {
  const { changes = {}, pictures } = advice;
  const wanted = Object.entries(changes).filter(([path]) => app.form.options.has(path));
  const values = wanted.map(([path, value]) => `${app.words.maybe(`option.${path}.label`, path)}: ${value}`).join(", ");
  const use = button("", () => app.form.advise(Object.fromEntries(wanted)), { class: "lt-button lt-use", title: values });
  const follow = () => {
    const done = wanted.every(([path, value]) => same(app.form.value(path), value));
    say(use, app.t(done ? "diagnosis.used" : "diagnosis.use", { values }));
    use.disabled = done;
  };
  follow();
  const look = button(app.t("diagnosis.health"), () => lookAtPictures(app), { class: "lt-button lt-look" });
  const element = h(
    "li",
    { class: "lt-diagnosed", data: { code: advice.code } },
    h("p", {}, app.words.sentence(advice.sentence)),
    h("div", { class: "lt-row" }, wanted.length > 0 && use, pictures && look),
  );
  return { element, follow };
}

/** Choose the run's pictures, and bring their health report into sight. */
function lookAtPictures(app) {
  const { job, dataset, server } = app.store.values;
  const known = (server?.datasets || []).some((set) => set.id === job?.dataset);
  if (known && job.dataset !== dataset) app.chooseDataset(job.dataset);
  const report = app.page.querySelector(".lt-health");
  (report?.hidden ? app.page.querySelector(".lt-pictures") : report)?.scrollIntoView({ block: "start" });
}
