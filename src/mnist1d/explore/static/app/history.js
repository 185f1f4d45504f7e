// The state of the page, its history in the browser's, and undo.
//
// A finished change is an entry of the browser's history, so that its back button is undo; while a
// slider moves nothing is written.

import { useCallback, useEffect, useState } from "../vendor/htm-preact.js";
import { readAddress, writeAddress } from "./address.js";

/** @typedef {import("./address.js").Values} Values */
/**
 * @typedef {Object} Session
 * @property {string} room
 * @property {Values} values
 * @property {string[]} refused what of the address could not be used
 * @property {(changes: Values, finished?: boolean) => void} change
 * @property {(changes: Values, room?: string) => string} link address with some changes
 * @property {() => void} undo
 * @property {() => void} redo
 * @property {boolean} canUndo
 * @property {boolean} canRedo
 */

/**
 * @param {readonly string[]} rooms
 * @param {Record<string, import("./address.js").Field<any>>} fields
 * @returns {Session}
 */
export function useSession(rooms, fields) {
  const [place, setPlace] = useState(() => readAddress(location.hash, rooms, fields));
  const [step, setStep] = useState(() => stepOf(history.state) ?? 0);
  const [furthest, setFurthest] = useState(step);

  useEffect(() => {
    if (stepOf(history.state) === undefined) history.replaceState({ step }, "");
    const moved = () => {
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
    link: (changes, room = place.room) =>
      writeAddress(room, { ...place.values, ...changes }, fields),
    undo: () => step > 0 && history.back(),
    redo: () => history.forward(),
    canUndo: step > 0,
    canRedo: step < furthest,
  };
}

/** @param {any} state @returns {number | undefined} */
function stepOf(state) {
  return Number.isInteger(state?.step) ? state.step : undefined;
}
