/** What a training shows of a picture: the window of its bucket, which can be moved and brought nearer. */

import { button, h } from "./dom.js";

const SIDE = 1024;
const STEP = 0.02;
/** How far an arrow key moves the window, as a share of the picture. */
const NEAREST = 3;

/** A picture with its window over it, as the gallery and the dialog show it. @param {any} image an element */
export function framed(image) {
  const window = h("div", { class: "lt-window" });
  const element = h("div", { class: "lt-frame" }, image, window);
  const show = (item, box = item.window) => {
    const partial = Boolean(box) && (box[2] < 1 || box[3] < 1);
    element.style.setProperty("--ratio", item.width ? item.width / item.height : 1);
    window.hidden = !partial;
    ["left", "top", "width", "height"].forEach((side, n) => partial && (window.style[side] = `${100 * box[n]}%`));
  };
  return { element, window, show };
}

/** The largest window of the shape of `box`, `nearer` times smaller, around the middle of `box`, moved inside. */
export function placed(box, nearer, [x, y] = [box[0] + box[2] / 2, box[1] + box[3] / 2]) {
  const largest = Math.max(box[2], box[3]) * nearer;
  const [width, height] = [box[2] / largest, box[3] / largest];
  const start = (middle, side) => Math.min(1 - side, Math.max(0, middle - side / 2));
  return [start(x, width), start(y, height), width, height];
}

/** Let the reader decide about one picture. @param {import("./main.js").App} app @param {any} set @param {any} item */
export function decide(app, set, item) {
  const state = { box: item.window || [0, 0, 1, 1], moved: false };
  const marks = { ...item.marks };
  const image = h("img", { alt: item.name, src: address(app, set, item, SIDE), draggable: "false" });
  const frame = framed(image);
  const draw = () => frame.show(item, state.box);
  const place = (nearer, middle) => {
    Object.assign(state, { box: placed(state.box, nearer, middle), moved: true });
    draw();
  };
  const nearer = 1 / Math.max(state.box[2], state.box[3]);
  const zoom = h("input", { type: "range", min: 1, max: Math.max(NEAREST, nearer), step: 0.05, value: nearer });
  zoom.addEventListener("input", () => place(Number(zoom.value)));
  const move = (middle) => place(Number(zoom.value), middle);
  drag(frame.element, move, () => state.box);
  const out = check(app.t("crop.exclude"), marks.excluded);
  const mirror = check(app.t("crop.flip"), marks.flip !== false);
  const title = app.t("crop.title", { name: item.name });
  const dialog = h("dialog", { class: "lt-dialog lt-view lt-crop", "aria-label": title });
  const keep = async (crop) => {
    const kept = { ...marks, excluded: out.input.checked, flip: mirror.input.checked, crop };
    const done = await app.trying(() => app.api.put(["datasets", set.id, "marks"], { [item.name]: kept }));
    if (!done) return;
    dialog.close();
    await app.refreshPictures();
  };
  const usual = button(app.t("crop.usual"), () => keep(null), { class: "lt-button" });
  const save = button(app.t("crop.keep"), () => keep(state.moved ? state.box : marks.crop ?? null), {
    class: "lt-button lt-primary",
  });
  const close = button(app.t("view.close"), () => dialog.close(), { class: "lt-button" });
  dialog.append(
    frame.element,
    h("p", { class: "lt-hint" }, app.t("crop.hint")),
    h("div", { class: "lt-row" }, h("label", { class: "lt-row" }, app.t("crop.nearer"), zoom), out.label, mirror.label),
    h("div", { class: "lt-row lt-end" }, close, usual, save),
  );
  draw();
  app.dialogs.open(dialog);
  frame.element.focus();
}

/** The address of a picture as its marks show it; another one for other marks, so that no old one is shown. */
export function address(app, set, item, side) {
  const { orientation, border } = item.marks || {};
  const marks = orientation || border ? JSON.stringify([orientation, border]) : "";
  return app.api.url(["datasets", set.id, "thumbs", item.name], { side, marks });
}

/** Call `move` with the wanted middle while a pointer is held down, and at arrow keys. */
function drag(element, move, box) {
  Object.assign(element, { tabIndex: 0 });
  const at = (event) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    move([(event.clientX - left) / width, (event.clientY - top) / height]);
  };
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    at(event);
  });
  element.addEventListener("pointermove", (event) => element.hasPointerCapture(event.pointerId) && at(event));
  element.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (!by) return;
    event.preventDefault();
    const [x, y, width, height] = box();
    move([x + width / 2 + by[0], y + height / 2 + by[1]]);
  });
}

function check(text, checked) {
  const input = h("input", { type: "checkbox", checked: Boolean(checked) });
  return { input, label: h("label", { class: "lt-row" }, input, text) };
}
