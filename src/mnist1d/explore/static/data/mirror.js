/**
 * Return the places that continue a signal beyond its ends as its mirror image, the end point repeated.
 *
 * @param {number} length of the signal
 * @param {number} radius points beyond each end
 * @returns {Int32Array} shape (length + 2 * radius,)
 */
export function mirrored(length, radius) {
  return Int32Array.from({ length: length + 2 * radius }, (_, i) => {
    const place = (i - radius + 2 * length * radius) % (2 * length);
    return place < length ? place : 2 * length - 1 - place;
  });
}
