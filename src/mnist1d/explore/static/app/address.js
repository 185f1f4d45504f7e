// The state of the page as text in the address, so that a link is an experiment; its history in the browser's, and undo.
//
// An address is `#/ROOM?name=value&...` with the fields that differ from their defaults. What is
// unknown or out of range is refused and named; the rest is used.
// A finished change is an entry of the browser's history, so that its back button is undo; while a
// slider moves nothing is written.

import { useCallback, useEffect, useRef, useState } from "../vendor/htm-preact.js";

/**
 * A field of the state.
 * @template T
 * @typedef {Object} Field
 * @property {T} initial value when the address does not name it
 * @property {(text: string) => T | undefined} read undefined if the text is no allowed value
 * @property {(value: T) => string} write
 */

/** @typedef {Record<string, any>} Values */
/** @typedef {{ room: string, values: Values, refused: string[] }} Place */

const LONGEST = 20_000;

/**
 * @param {string} text
 * @returns {number | undefined} a finite number written in decimal digits
 */
export function readNumber(text) {
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?$/i.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/**
 * @param {number} initial
 * @param {number} lowest
 * @param {number} highest
 * @returns {Field<number>}
 */
export function number(initial, lowest, highest) {
  return {
    initial,
    read(text) {
      const value = readNumber(text);
      return value === undefined || value < lowest || value > highest ? undefined : value;
    },
    write: String,
  };
}

/**
 * @param {number} initial
 * @param {number} lowest
 * @param {number} highest
 * @returns {Field<number>}
 */
export function integer(initial, lowest, highest) {
  const { read } = number(initial, lowest, highest);
  return {
    initial,
    read(text) {
      const value = read(text);
      return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
    },
    write: String,
  };
}

/**
 * @param {string} initial
 * @param {readonly string[]} options
 * @returns {Field<string>}
 */
export function choice(initial, options) {
  return { initial, read: (text) => (options.includes(text) ? text : undefined), write: String };
}

/**
 * @param {boolean} initial
 * @returns {Field<boolean>}
 */
export function truth(initial) {
  return {
    initial,
    read: (text) => ({ yes: true, no: false })[text],
    write: (value) => (value ? "yes" : "no"),
  };
}

/**
 * A list of values, separated by commas.
 * @template T
 * @param {T[]} initial
 * @param {Field<T>} each
 * @param {(values: T[]) => boolean} [allowed]
 * @returns {Field<T[]>}
 */
export function list(initial, each, allowed = () => true) {
  return {
    initial,
    read(text) {
      const values = text === "" ? [] : text.split(",").map(each.read);
      if (values.includes(undefined)) return undefined;
      const all = /** @type {T[]} */ (values);
      return allowed(all) ? all : undefined;
    },
    write: (values) => values.map(each.write).join(","),
  };
}

/**
 * A field that may have no value: then the address does not name it.
 * @template T
 * @param {Field<T>} field
 * @returns {Field<T | null>}
 */
export function optional(field) {
  return { initial: null, read: field.read, write: (value) => field.write(/** @type {T} */ (value)) };
}

/**
 * @param {string} hash as in `location.hash`
 * @param {readonly string[]} rooms the first one is where one comes in
 * @param {Record<string, Field<any>>} fields
 * @returns {Place}
 */
export function readAddress(hash, rooms, fields) {
  const values = initialValues(fields);
  /** @type {string[]} */
  const refused = [];
  if (hash.length > LONGEST) return { room: rooms[0], values, refused: ["the whole address"] };
  const [path, query = ""] = splitOnce(hash.replace(/^#\/?/, ""), "?");
  const room = rooms.includes(path) ? path : rooms[0];
  if (path !== "" && room !== path) refused.push(`the room ${shown(path)}`);
  for (const [name, text] of new URLSearchParams(query)) {
    const value = Object.hasOwn(fields, name) ? fields[name].read(text) : undefined;
    if (value === undefined) refused.push(`${shown(name)}=${shown(text)}`);
    else values[name] = value;
  }
  return { room, values, refused };
}

/**
 * @param {string} room
 * @param {Values} values
 * @param {Record<string, Field<any>>} fields
 * @returns {string} such as `#/data?seed=7`
 */
export function writeAddress(room, values, fields) {
  const parts = [];
  for (const [name, field] of Object.entries(fields)) {
    const value = values[name];
    if (value === null || same(value, field.initial)) continue;
    // Commas and points stay readable.
    const text = encodeURIComponent(field.write(value)).replaceAll("%2C", ",");
    parts.push(`${encodeURIComponent(name)}=${text}`);
  }
  return `#/${room}${parts.length ? "?" : ""}${parts.join("&")}`;
}

/**
 * @param {Record<string, Field<any>>} fields
 * @returns {Values}
 */
export function initialValues(fields) {
  return Object.fromEntries(Object.entries(fields).map(([name, { initial }]) => [name, initial]));
}

/**
 * @param {any} a
 * @param {any} b
 * @returns {boolean} whether two values of fields are equal
 */
export function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * @typedef {Object} Session
 * @property {string} room
 * @property {Values} values
 * @property {string[]} refused what of the address could not be used
 * @property {(changes: Values, finished?: boolean) => void} change
 * @property {(name: string) => (value: any, finished?: boolean) => void} set what a control of one field calls
 * @property {(changes: Values, room?: string) => string} link address with some changes
 * @property {() => void} undo
 * @property {() => void} redo
 * @property {boolean} canUndo
 * @property {boolean} canRedo
 */

/**
 * @param {readonly string[]} rooms
 * @param {Record<string, Field<any>>} fields
 * @returns {Session}
 */
export function useSession(rooms, fields) {
  const [place, setPlace] = useState(() => readAddress(location.hash, rooms, fields));
  const [step, setStep] = useState(() => stepOf(history.state) ?? 0);
  const [furthest, setFurthest] = useState(step);
  /** Whether the browser is on its way: keys that come faster would lead out of the page. */
  const away = useRef(false);
  /** @param {number} by */
  const go = (by) => {
    const to = (stepOf(history.state) ?? 0) + by;
    if (away.current || to < 0 || to > furthest) return;
    away.current = true;
    history.go(by);
  };

  useEffect(() => {
    if (stepOf(history.state) === undefined) history.replaceState({ step }, "");
    const moved = () => {
      away.current = false;
      setPlace(readAddress(location.hash, rooms, fields));
      setStep((before) => {
        const now = stepOf(history.state) ?? before + 1;
        if (stepOf(history.state) === undefined) {
          history.replaceState({ step: now }, "");
          setFurthest(now);
        }
        return now;
      });
    };
    addEventListener("popstate", moved);
    return () => removeEventListener("popstate", moved);
  }, []);

  const change = useCallback(
    /** @param {Values} changes */ (changes, finished = true) => {
      const values = { ...place.values, ...changes };
      setPlace({ room: place.room, values, refused: [] });
      if (!finished) return;
      const hash = writeAddress(place.room, values, fields);
      if (hash === location.hash) return;
      away.current = false;
      try {
        history.pushState({ step: step + 1 }, "", hash);
      } catch {
        return; // Browsers limit how often; the next change is written again.
      }
      setStep(step + 1);
      setFurthest(step + 1);
    },
    [place, step],
  );

  return {
    ...place,
    change,
    set: (name) => (value, finished) => change({ [name]: value }, finished),
    link: (changes, room = place.room) =>
      writeAddress(room, { ...place.values, ...changes }, fields),
    undo: () => go(-1),
    redo: () => go(1),
    canUndo: step > 0,
    canRedo: step < furthest,
  };
}

/** @param {any} state @returns {number | undefined} */
function stepOf(state) {
  return Number.isInteger(state?.step) ? state.step : undefined;
}

/** @param {string} text @param {string} mark */
function splitOnce(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** @param {string} text */
function shown(text) {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
