// Files that the reader takes along: text, CSV, and NumPy's NPZ.

/**
 * Offer a file to the reader.
 * @param {string} name
 * @param {BlobPart} content
 * @param {string} type
 */
export function download(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * @param {(string | number | null)[][]} rows the first one has the names
 * @returns {string} CSV, lines ended by line feeds
 */
export function csv(rows) {
  const cell = (/** @type {string | number | null} */ value) => {
    const text = value === null ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\n`).join("");
}

/**
 * @typedef {{ data: Float32Array | BigInt64Array | Float64Array, shape: number[] }} Stored
 */

/**
 * @param {Record<string, Stored>} arrays
 * @returns {Uint8Array<ArrayBuffer>} an uncompressed NPZ file, as `numpy.load` reads it
 */
export function npz(arrays) {
  const members = Object.entries(arrays).map(([name, array]) => member(`${name}.npy`, npy(array)));
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { local, central } of members) {
    new DataView(central.buffer).setUint32(42, offset, true);
    parts.push(local);
    directory.push(central);
    offset += local.length;
  }
  const size = directory.reduce((sum, each) => sum + each.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, members.length, true);
  end.setUint16(10, members.length, true);
  end.setUint32(12, size, true);
  end.setUint32(16, offset, true);
  return joined([...parts, ...directory, new Uint8Array(end.buffer)]);
}

/** @param {Stored} array */
function npy({ data, shape }) {
  const kind = data instanceof Float32Array ? "<f4" : data instanceof Float64Array ? "<f8" : "<i8";
  const about = `{'descr': '${kind}', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const head = about.padEnd(Math.ceil((about.length + 11) / 64) * 64 - 11) + "\n";
  const bytes = new TextEncoder().encode(`\x93NUMPY\x01\x00__${head}`).slice(1);
  // TextEncoder writes the first byte as two.
  bytes[0] = 0x93;
  new DataView(bytes.buffer).setUint16(8, head.length, true);
  return joined([bytes, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

/** @param {string} name @param {Uint8Array} content */
function member(name, content) {
  const text = new TextEncoder().encode(name);
  const about = new DataView(new ArrayBuffer(26));
  about.setUint16(0, 20, true);
  about.setUint16(8, 0x21, true); // the first of January 1980, so that equal arrays are equal files
  about.setUint32(10, crc32(content), true);
  about.setUint32(14, content.length, true);
  about.setUint32(18, content.length, true);
  about.setUint16(22, text.length, true);
  const fields = new Uint8Array(about.buffer);
  const local = joined([Uint8Array.of(0x50, 0x4b, 3, 4), fields, text, content]);
  const rest = new Uint8Array(14);
  const central = joined([Uint8Array.of(0x50, 0x4b, 1, 2, 20, 0), fields, rest, text]);
  return { local, central };
}

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
