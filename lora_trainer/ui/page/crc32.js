/** CRC-32, as zlib has it: the browser's own checksums are only there for pages that came by https or from this machine. */

const TABLE = new Uint32Array(256).map((_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** Eight hexadecimal digits. @param {Uint8Array} bytes */
export function crc32(bytes) {
  let value = 0xffffffff;
  for (let n = 0; n < bytes.length; n++) value = TABLE[(value ^ bytes[n]) & 0xff] ^ (value >>> 8);
  return ((value ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
}
