// Plays a sound. The waveform shows how far it is; to press on it is to go there.

import { paint, wipe } from "./placeholder.js";

/** A player of the sound at `address`; nothing of it is fetched before it is asked to play. */
export function player(address, waveform, cover, placeholder) {
  const audio = document.createElement("audio");
  Object.assign(audio, { controls: true, preload: "none", src: address });
  audio.dataset.testid = "sound";
  const parts = [audio];
  if (waveform) parts.unshift(wave(waveform, audio));
  if (cover) parts.unshift(front(cover, placeholder));
  const figure = document.createElement("div");
  figure.className = "sound";
  figure.append(...parts);
  return figure;
}

/** The audio element's own controls do the same for those who have no pointer. */
function wave(address, audio) {
  const frame = document.createElement("div");
  frame.className = "wave";
  const played = document.createElement("div");
  played.className = "played";
  frame.append(played, picture(address, "", ""));
  frame.addEventListener("click", (event) => {
    const { left, width } = frame.getBoundingClientRect();
    void goTo(audio, Math.min(Math.max((event.clientX - left) / width, 0), 1));
  });
  const show = () => {
    const share = audio.duration > 0 ? audio.currentTime / audio.duration : 0;
    played.style.width = `${100 * share}%`;
  };
  for (const news of ["timeupdate", "seeked", "ended"]) audio.addEventListener(news, show);
  return frame;
}

/** The length is known once its head is there. */
async function goTo(audio, share) {
  if (!(audio.duration > 0)) {
    audio.preload = "metadata";
    audio.load();
    await new Promise((resolve) => audio.addEventListener("loadedmetadata", resolve, { once: true }));
  }
  audio.currentTime = share * audio.duration;
}

/** The cover, which has its size before it has come. */
function front({ address, width, height }, placeholder) {
  const image = picture(address, "cover", "Cover");
  if (width && height) Object.assign(image, { width, height });
  paint(image, placeholder, "contain");
  image.addEventListener("load", () => wipe(image), { once: true });
  return image;
}

function picture(address, className, alt) {
  const image = document.createElement("img");
  Object.assign(image, { className, alt, decoding: "async", referrerPolicy: "no-referrer" });
  image.dataset.testid = className || "waveform";
  image.src = address;
  return image;
}
