// Reads pictures and thumbhashes of them, one JSON a line; says of each how many steps the numbers in it are, at most,
// from those that the reference implementation writes of the same picture.
import { readFileSync } from "node:fs";

const { rgbaToThumbHash } = await import(process.argv[2]);

/** How many factors a channel has: those of low frequencies, but the mean. */
function count(wide, high) {
  let factors = -1;
  for (let y = 0; y < high; y++) factors += Math.ceil((wide * (high - y)) / high);
  return factors;
}

/** The numbers of a thumbhash. What is scaled by nothing says nothing. */
function numbers(hash) {
  const head = hash[0] | (hash[1] << 8) | (hash[2] << 16);
  const more = hash[3] | (hash[4] << 8);
  const [hasAlpha, isLandscape, waves] = [head >> 23, more >> 15, more & 7];
  const longer = hasAlpha ? 5 : 7;
  const sides = isLandscape ? [longer, Math.max(waves, 3)] : [Math.max(waves, 3), longer];
  const means = [head & 63, (head >> 6) & 63, (head >> 12) & 63, ...(hasAlpha ? [hash[5] & 15] : [])];
  const scales = [(head >> 18) & 31, (more >> 3) & 63, (more >> 9) & 63, ...(hasAlpha ? [hash[5] >> 4] : [])];
  const sizes = [sides, [3, 3], [3, 3], ...(hasAlpha ? [[5, 5]] : [])];
  let at = (hasAlpha ? 6 : 5) * 2;
  const factors = sizes.flatMap(([wide, high], channel) =>
    Array.from({ length: count(wide, high) }, () => {
      const factor = (hash[at >> 1] >> (4 * (at & 1))) & 15;
      at += 1;
      return scales[channel] ? factor : 0;
    }));
  return { shape: [hasAlpha, isLandscape, waves, hash.length].join(), steps: [...means, ...scales, ...factors] };
}

for (const line of readFileSync(0, "utf8").trim().split("\n")) {
  const { width, height, rgba, hash } = JSON.parse(line);
  const [ours, theirs] = [hash, rgbaToThumbHash(width, height, rgba)].map(numbers);
  const steps = ours.steps.map((step, at) => Math.abs(step - theirs.steps[at]));
  console.log(ours.shape === theirs.shape ? Math.max(...steps) : "another shape");
}
