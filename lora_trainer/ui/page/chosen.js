/** The chosen picture of a try-out: use its save and strength in txt2img, or keep that save as the LoRA. */

import { attribute, button, h, say, show } from "./dom.js";
import { short } from "./format.js";
import { fileAt } from "./saves.js";

/** @param {import("./main.js").App} app */
export function chosenPanel(app) {
  const image = h("img", { alt: "", hidden: true });
  const larger = h(
    "button",
    {
      type: "button",
      class: "lt-larger",
      disabled: true,
      "aria-label": app.t("view.title"),
      on: { click: () => enlarge(app) },
    },
    image,
  );
  const line = h("strong");
  const hint = h("p", { class: "lt-hint", role: "status", "aria-live": "polite" });
  const use = button(app.t(`host.${app.host.kind}.use`), () => busily(app, useIt), { class: "lt-button lt-primary lt-use" });
  const keep = button(app.t("tryout.keep"), () => busily(app, keepIt), { class: "lt-button lt-keep" });
  app.store.on(["chosen", "job", "keeping"], () => {
    const { chosen, job, keeping } = app.store.values;
    show(larger, Boolean(chosen));
    attribute(image, "hidden", !chosen);
    if (chosen && image.getAttribute("src") !== chosen.url) image.src = chosen.url;
    attribute(larger, "disabled", !chosen);
    for (const one of [use, keep]) attribute(one, "disabled", !chosen || keeping);
    say(
      line,
      chosen
        ? app.t("tryout.chosen", { step: nameOf(app, chosen), strength: short(chosen.strength) })
        : app.t("tryout.choose"),
    );
    const tag = job?.published?.tag;
    say(hint, keeping ? app.t("tryout.keeping") : tag ? app.t("tryout.kept_as", { tag }) : app.t("tryout.keep_hint"));
  });
  return h("div", { class: "lt-chosen" }, larger, h("div", {}, line, hint, h("div", { class: "lt-row" }, use, keep)));
}

/** Both buttons rest while one of them is at work: the file is written, read back and put into the LoRA folder. */
async function busily(app, action) {
  app.store.set({ keeping: true });
  try {
    await action(app);
  } finally {
    app.store.set({ keeping: false });
  }
}

const nameOf = (app, { step }) => app.t("tryout.save", { step });

function enlarge(app) {
  const { chosen, grid } = app.store.values;
  app.dialogs.enlarge(
    [
      {
        url: chosen.url,
        title: app.t("tryout.chosen", {
          step: nameOf(app, chosen),
          strength: short(chosen.strength),
        }),
        detail: app.t("samples.detail", { prompt: chosen.prompt, seed: chosen.seed ?? grid?.seed }),
      },
    ],
    0,
  );
}

/** Make the chosen save the LoRA's file. @returns {Promise<any>} what the server says of it, or nothing */
async function keepIt(app, replace = false) {
  const { chosen, job } = app.store.values;
  try {
    const kept = await app.api.post(["jobs", job.id, "keep"], {
      save: fileAt(job, chosen),
      strength: chosen.strength,
      replace,
    });
    app.store.set({ kept: { ...kept, step: chosen.step, job: chosen.job } });
    app.dialogs.notice(
      [
        app.t("tryout.kept", { name: kept.name, strength: short(chosen.strength) }),
        ...(kept.remarks || []).map(app.words.sentence),
      ].join(" "),
    );
    app.live.soon();
    return kept;
  } catch (error) {
    if (error.sentence?.code !== "lora_exists" || replace) return app.failed(error);
    const yes = await app.dialogs.ask(
      app.words.sentence(error.sentence),
      app.t("training.replace"),
      app.t("training.replace_detail"),
    );
    return yes ? keepIt(app, true) : undefined;
  }
}

/** The host draws with the file that was kept, so a save that is not it yet is kept first. */
async function useIt(app) {
  const { chosen, kept } = app.store.values;
  const isKept = kept && kept.step === chosen.step && kept.job === chosen.job;
  const lora = isKept ? kept : await keepIt(app);
  if (!lora) return;
  const done = await app.host.use({ name: lora.name, strength: chosen.strength, trigger: lora.trigger_word });
  app.dialogs.notice(
    app.t(`host.${app.host.kind}.${done ? "used" : "not_used"}`, {
      tag: `<lora:${lora.name}:${short(chosen.strength)}>`,
    }),
    done ? "good" : "bad",
  );
}
