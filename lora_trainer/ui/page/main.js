/** Puts the page into an element: one app object that every part is given. */

import { Api, ApiError } from "./api.js";
import { Dialogs } from "./dialogs.js";
import { h } from "./dom.js";
import { header } from "./header.js";
import { host } from "./host.js";
import { suiting, Words } from "./i18n.js";
import { Live } from "./live.js";
import { begin } from "./origin.js";
import { pictures } from "./pictures.js";
import { remember, remembered } from "./remembering.js";
import { settings } from "./settings.js";
import { Store } from "./store.js";
import { training } from "./training.js";
import { tryout } from "./tryout.js";
import { TRAIN, views } from "./views.js";

const SHEETS = [
  "page",
  "controls",
  "advice",
  "pictures",
  "health",
  "crop",
  "captioning",
  "tags",
  "editor",
  "training",
  "queue",
  "notices",
  "people",
  "diagnosis",
  "tryout",
  "history",
  "compare",
  "dialogs",
];
const DATASET = "lora-trainer.dataset";
const BEGINNING = {
  view: TRAIN,
  server: null,
  reachable: true,
  dataset: "",
  set: null,
  refused: [],
  upload: null,
  preset: "",
  presets: [],
  changes: {},
  advised: {},
  reasons: [],
  outlook: null,
  probe: null,
  fitting: null,
  fits: null,
  aside: [],
  check: null,
  tried: false,
  shown: "",
  job: null,
  run: null,
  latest: null,
  ordered: false,
  grid: null,
  single: null,
  chosen: null,
  asking: false,
  kept: null,
  keeping: false,
};

/** @typedef {App} App */
class App {
  /** @param {Element} element that gradio drew for us */
  constructor(element) {
    this.element = element;
    this.api = new Api(new URL("../../", import.meta.url).href);
    this.store = new Store({ ...BEGINNING });
    this.host = host();
  }

  /** Load words and data, and draw. A shadow root keeps the host's style sheets off our elements, and ours off its. */
  async start() {
    this.words = await Words.load(new URL("catalogues/", import.meta.url), suiting(this.host.language()));
    this.t = this.words.t;
    const sheets = SHEETS.map((name) =>
      h("link", { rel: "stylesheet", href: new URL(`${name}.css`, import.meta.url).href }),
    );
    const styled = Promise.all(sheets.map((sheet) => new Promise((done) => (sheet.onload = sheet.onerror = done))));
    this.page = h("div", { class: "lt", lang: this.words.language });
    this.dialogs = new Dialogs(this.page, this.t);
    this.live = new Live(this);
    const root = this.element.shadowRoot || this.element.attachShadow({ mode: "open" });
    root.replaceChildren(...sheets, this.page);
    this.#follow();
    await this.live.refresh();
    const parts = await settings(this);
    const left = h("div", { class: "lt-column" }, pictures(this), parts);
    const right = h("div", { class: "lt-column" }, training(this), tryout(this));
    await styled;
    this.page.append(header(this), ...views(this, h("div", { class: "lt-columns" }, left, right)));
    this.chooseDataset(this.#remembered());
    begin(this, this.form);
    await this.live.start();
    this.page.dataset.ready = "";
  }

  /** What `action` gives, or undefined after telling the reader what went wrong. */
  async trying(action) {
    try {
      return await action();
    } catch (error) {
      return this.failed(error);
    }
  }

  failed(error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 0) this.store.set({ reachable: false });
    const sentences = error.problems.length ? error.problems : [error.sentence];
    this.dialogs.notice(sentences.map(this.words.sentence).join(" "), "bad");
  }

  chooseDataset(id) {
    this.store.set({ dataset: id, refused: [] });
    remember(DATASET, id);
  }

  /** The data set that was chosen last, else the job's, else the only one. */
  #remembered() {
    const { server, job } = this.store.values;
    const known = (server?.datasets || []).map((set) => set.id);
    const only = known.length === 1 ? known[0] : "";
    return [remembered(DATASET), job?.dataset, only].find((id) => id && known.includes(id)) || "";
  }

  /** Follow the width that the host gives us, and its dark or light theme. */
  #follow() {
    const width = () => {
      const pixels = this.element.clientWidth;
      this.page.dataset.width = pixels >= 900 ? "wide" : pixels >= 620 ? "medium" : "narrow";
    };
    new ResizeObserver(width).observe(this.element);
    width();
    const theme = () => {
      const dark =
        document.querySelector("body.dark, html.dark, .gradio-container.dark") || document.body.closest(".dark");
      this.page.dataset.theme = dark ? "dark" : "light";
    };
    for (const element of [document.body, document.documentElement])
      new MutationObserver(theme).observe(element, { attributes: true, attributeFilter: ["class"] });
    theme();
  }
}

/** Draw the page in `element`. @param {Element} element */
export async function mount(element) {
  const app = new App(element);
  await app.start();
  return app;
}
