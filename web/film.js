// Plays a film. Browsers that know HLS play it by themselves; for the others, hls.js is fetched when it is wanted.

import { paint, wipe } from "./placeholder.js";

const HLS = "application/vnd.apple.mpegurl";

/** A player of the film at `address`; nothing is fetched before it is asked to play. */
export function player(address, poster, placeholder) {
  const video = document.createElement("video");
  Object.assign(video, { controls: true, playsInline: true, preload: "none", poster });
  video.dataset.testid = "film";
  paint(video, placeholder, "contain");
  video.addEventListener("loadeddata", () => wipe(video), { once: true });
  if (video.canPlayType(HLS) && !window.MediaSource) {
    video.src = address;
  } else {
    video.addEventListener("play", () => attach(video, address), { once: true });
  }
  return video;
}

async function attach(video, address) {
  const { default: Hls } = await import("/assets/hls.js");
  // Without a worker, whose script would be made of a text.
  const hls = new Hls({ enableWorker: false });
  hls.on(Hls.Events.ERROR, (_, { fatal, details }) => {
    video.dataset.error = fatal ? details : "";
  });
  hls.loadSource(address);
  hls.attachMedia(video);
  hls.once(Hls.Events.MANIFEST_PARSED, () => void video.play().catch(() => {}));
}
