/** Pictures scaled down in the browser before they are sent: never below what a training can use. */

const MARGIN = 1.5;
/** The shorter side stays so many times the resolution: room for crops, borders and a higher resolution later. */
const WORTH = 0.9;
/** Pictures that would stay larger than this share of their sides are sent as they are. */
const KINDS = { jpg: "image/jpeg", jpeg: "image/jpeg", jfif: "image/jpeg", png: "image/png", webp: "image/webp" };
/** By a file's ending: systems do not know all of these as kinds. */
const QUALITY = 0.95;
const MASK = /-mask\.\w+$/i;

/** The shorter side in pixels below which no picture is scaled. @param {number} resolution */
export function leastSide(resolution) {
  return Math.ceil((MARGIN * resolution) / 8) * 8;
}

/**
 * The size that a picture is scaled down to, or null where it is not worth it.
 * Every bucket's shorter side is at most the resolution, so what has a shorter side beyond it covers its bucket.
 * @param {number} width @param {number} height @param {number} least @returns {[number, number] | null}
 */
export function reduced(width, height, least) {
  const share = least / Math.min(width, height);
  if (!(share < WORTH)) return null;
  return width <= height ? [least, Math.round(height * share)] : [Math.round(width * share), least];
}

/**
 * The picture scaled down, or the file itself: where it is small, of another kind, a mask, or where that fails.
 * Upright, with its transparency, and its colours as screens show them (sRGB).
 * @param {File} file @param {number} least @returns {Promise<Blob>}
 */
export async function scaledDown(file, least) {
  const kind = KINDS[file.name.split(".").pop().toLowerCase()];
  if (!kind || MASK.test(file.name)) return file;
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file; // the server says what is wrong with it
  }
  try {
    const size = reduced(bitmap.width, bitmap.height, least);
    const blob = size && (await drawn(bitmap, size, kind));
    return blob?.type === kind && blob.size < file.size ? blob : file;
  } catch {
    return file; // too large for a canvas
  } finally {
    bitmap.close();
  }
}

/** In halves, and the last step between: browsers look at few pixels for each that they draw. */
async function drawn(bitmap, [width, height], type) {
  let source = bitmap;
  let [w, h] = [bitmap.width, bitmap.height];
  do {
    w = Math.max(width, Math.ceil(w / 2));
    h = Math.max(height, Math.ceil(h / 2));
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: w, height: h });
    const context = canvas.getContext("2d");
    Object.assign(context, { imageSmoothingEnabled: true, imageSmoothingQuality: "high" });
    context.drawImage(source, 0, 0, w, h);
    source = canvas;
  } while (w > width || h > height);
  return new Promise((done) => source.toBlob(done, type, QUALITY));
}

/** Whether this browser gives back what was drawn: some add noise, so that nobody is recognised by it. */
export async function canDraw() {
  try {
    const side = 16;
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: side, height: side });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const pixels = context.createImageData(side, side);
    for (let n = 0; n < pixels.data.length; n++) pixels.data[n] = n % 4 === 3 ? 255 : (n * 37) % 256;
    context.putImageData(pixels, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    context.clearRect(0, 0, side, side);
    context.drawImage(await createImageBitmap(blob), 0, 0);
    const back = context.getImageData(0, 0, side, side).data;
    return pixels.data.every((value, n) => Math.abs(value - back[n]) <= 1);
  } catch {
    return false;
  }
}
