// The outputs of a photo, by sharp: `node thumbnails.mjs OUT_DIR AT_ONCE FILE...` makes those of so many files at once.
import { join } from "node:path";
import sharp from "sharp";

const [out, atOnce, ...files] = process.argv.slice(2);
const outputs = [[undefined, 2], [1280, 4], [640, 4], [320, 4], [128, 4]];
sharp.cache(false);

async function thumbnails(file, number) {
  for (const [width, effort] of outputs) {
    const picture = sharp(file).autoOrient();
    if (width) picture.resize({ width, withoutEnlargement: true });
    await picture.webp({ quality: 80, effort }).toFile(join(out, `${number}-${width ?? "full"}.webp`));
  }
}

const waiting = files.entries();
await Promise.all(Array.from({ length: Number(atOnce) }, async () => {
  for (const [number, file] of waiting) await thumbnails(file, number);
}));
