"""Pictures, documents and sounds, beside the programs that people use for them.

  images     CPU and memory of the outputs of JPEGs, beside vipsthumbnail and sharp: the better of the two
  heic       the same of HEIC files, beside vipsthumbnail (sharp does not read them)
  avif       the same of AVIF files, beside vipsthumbnail and sharp
  animation  an animated GIF of 100 frames, beside gif2webp
  pdf        pictures of the first page, beside pdftoppm
  audio      CPU of the whole route, beside one ffmpeg command
  photos     photos a minute through the whole service, beside a sharp script that only makes the outputs
"""

import os
import pathlib
import shutil
import statistics
import sys
import time

import samples
from measuring import measured, seconds
from services import TARGET, Services, run

LIMITS = {
    "image_cpu_ratio": "<= 0.8",
    "image_memory_ratio": "<= 0.8",
    "heic_cpu_ratio": "<= 1.0",
    "avif_cpu_ratio": "<= 1.0",
    "animation_cpu_ratio": "<= 1.0",
    "pdf_ratio": "<= 1.2",
    "audio_cpu_ratio": "<= 1.15",
    "photos_per_minute_ratio": ">= 1.0",
}
SUBJECTS = ["images", "heic", "avif", "animation", "pdf", "audio", "photos"]
RENDER = TARGET / "examples" / "render"
SHARP = "0.35.5"
NEEDED = {"vips": "libvips-tools", "vipsthumbnail": "libvips-tools", "heif-enc": "libheif-examples",
          "avifenc": "libavif-bin", "gif2webp": "webp", "pdftoppm": "poppler-utils", "node": "nodejs", "npm": "npm"}


class Pictures:
    def __init__(self, bench, files):
        if missing := {package for program, package in NEEDED.items() if not shutil.which(program)}:
            sys.exit(f"please install: {' '.join(sorted(missing))}")
        self.bench, self.rounds, self.files = bench, bench.rounds, files
        self.made = bench.place("pictures")
        self.script = None

    # What is measured with.

    def photos_of(self, kinds, least):
        """Those that were named, of these kinds, or so many that are made."""
        named = [file for file in self.files if file.suffix.lower() in kinds]
        return named or [self.photo(number) for number in range(least)]

    def photo(self, number):
        path = self.made / f"photo{number}.jpg"
        width, height = [(4000, 3000), (1920, 1440), (1000, 1500)][number % 3]
        return path if path.exists() else samples.photo(path, width, height, number)

    def converted(self, suffix, *words):
        """Photos of a phone's size in another format."""
        paths = []
        for number in (0, 3):
            paths.append(self.made / f"photo{number}{suffix}")
            if not paths[-1].exists():
                run(*words, self.photo(number), "-o", paths[-1], capture_output=True)
        return [file for file in self.files if file.suffix.lower() == suffix] or paths

    # The subjects' ways.

    def ours(self, files, *options):
        return measured([RENDER, *options, self.bench.place("ours"), *files])

    def vips(self, files):
        """All files at one size after the other, as one command each."""
        out = self.bench.place("vips")
        sizes = [("100000x100000>", 2), *((f"{width}x100000>", 4) for width in (1280, 640, 320, 128))]
        commands = [f"vipsthumbnail \"$@\" --size '{size}' --export-profile srgb "
                    f"-o '{out}/{number}-%s.webp[Q=80,effort={effort},strip]'"
                    for number, (size, effort) in enumerate(sizes)]
        return measured(["sh", "-ec", " && ".join(commands), "sh", *files])

    def sharp(self, files, at_once=1):
        if self.script is None:
            self.script = self.bench.place("sharp") / "thumbnails.mjs"
            run("npm", "install", "--silent", "--prefix", self.script.parent, f"sharp@{SHARP}", capture_output=True)
            shutil.copy(pathlib.Path(__file__).with_name("thumbnails.mjs"), self.script)
        return measured(["node", self.script, self.bench.place("sharps"), at_once, *files])

    def beside(self, name, files, peers, memory=False):
        """Ours and the peers in turn. The peer with the least CPU counts, and of all the one with the least memory."""
        runs = {"ours": [], **{peer.__name__: [] for peer in peers}}
        for _ in range(self.rounds):
            runs["ours"].append(self.ours(files, "--in-turn"))
            for peer in peers:
                runs[peer.__name__].append(peer(files))
        figures = {}
        for at, unit in ((1, "s"), (2, "mib"))[:1 + memory]:
            median = {who: statistics.median(run[at] for run in them) for who, them in runs.items()}
            ratio = median["ours"] / min(value for who, value in median.items() if who != "ours")
            figures[unit] = ratio
            told = {f"{who}_{unit}": round(value, 2) for who, value in median.items()}
            measure = f"{name}_cpu_ratio" if unit == "s" else f"{name}_memory_ratio"
            print("  " + "  ".join(f"{key} {value}" for key, value in told.items()))
            self.bench.tell(measure, ratio, "ratio", files=len(files), **told)

    # The subjects.

    def images(self):
        self.beside("image", self.photos_of([".jpg", ".jpeg"], 12), [self.vips, self.sharp], memory=True)

    def heic(self):
        self.beside("heic", self.converted(".heic", "heif-enc", "-q", "60"), [self.vips])

    def avif(self):
        files = self.converted(".avif", "avifenc", "-s", "8", "-j", "2", "-y", "420", "--min", "16", "--max", "24")
        self.beside("avif", files, [self.vips, self.sharp])

    def animation(self):
        """One drawn, one like a film, at their own size: each with the settings that ours chooses for it."""
        ours, theirs = [], []
        for source in ("testsrc2", "mandelbrot"):
            gif = samples.animation(self.made / f"{source}.gif", source)
            found = []
            for _ in range(self.rounds):
                out = self.bench.place("ours")
                mine = measured([RENDER, "--full", out, gif])[1]
                exact = b"VP8L" in next(out.rglob("*.webp")).read_bytes()[:4096]
                words = ["-q", "20", "-m", "2"] if exact else ["-lossy", "-q", "80", "-m", "2"]
                found.append((mine, measured(["gif2webp", "-quiet", *words, gif, "-o", self.made / "peer.webp"])[1]))
            ours.append(statistics.median(pair[0] for pair in found))
            theirs.append(statistics.median(pair[1] for pair in found))
            print(f"  {source}: ours {ours[-1]:.2f} s, gif2webp {' '.join(words)} {theirs[-1]:.2f} s")
        self.bench.tell("animation_cpu_ratio", sum(ours) / sum(theirs), "ratio", ours_s=ours, gif2webp_s=theirs)

    def pdf(self):
        """Three WebPs of the first page of each document, beside one PNG of it at the largest of their widths."""
        files = [file for file in self.files if file.suffix.lower() == ".pdf"]
        files = files or [samples.document(self.made / "page.pdf")]
        found = []
        for _ in range(self.rounds):
            theirs = self.bench.place("pdftoppm")
            each = "for file; do pdftoppm -f 1 -l 1 -singlefile -png -scale-to-x 1280 -scale-to-y -1 \"$file\" " \
                   f"{theirs}/page; done"
            found.append((self.ours(files)[:2], measured(["sh", "-ec", each, "sh", *files])[:2]))
        wall = statistics.median(ours[0] / theirs[0] for ours, theirs in found)
        cpu = statistics.median(ours[1] / theirs[1] for ours, theirs in found)
        self.bench.tell("pdf_ratio", cpu, "ratio", files=len(files), wall_ratio=round(wall, 2), wall_and_cpu_s=found)

    def audio(self):
        sound = samples.sound(self.made / "sound.flac", 600)
        ours, bare = [], []
        for _ in range(self.rounds):
            out = self.bench.place("bare")
            bare.append(measured(["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", sound,
                                  "-map", "0:a", "-c:a", "aac", "-b:a", "64k", out / "low.m4a",
                                  "-map", "0:a", "-c:a", "aac", "-b:a", "160k", out / "high.m4a",
                                  "-map", "0:a", "-f", "s16le", "/dev/null"])[1])
            with Services(self.bench.place("audio")) as services:
                worker = services.worker("worker")
                before = worker.cpu()
                services.upload(sound)
                ours.append(worker.cpu() - before)
        ratio = statistics.median(o / b for o, b in zip(ours, bare))
        self.bench.tell("audio_cpu_ratio", ratio, "ratio", ours_s=ours, bare_s=bare, sound_s=seconds(sound))

    def photos(self):
        files = self.photos_of([".jpg", ".jpeg"], 60)
        ours, theirs = [], []
        for _ in range(self.rounds):
            with Services(self.bench.place("photos")) as services:
                services.worker("worker")
                began = time.perf_counter()
                services.upload_all(files)
                ours.append(time.perf_counter() - began)
            theirs.append(self.sharp(files, os.cpu_count())[0])
        rate = [60 * len(files) / taken for taken in ours]
        ratio = statistics.median(t / o for t, o in zip(theirs, ours))
        self.bench.tell("photos_per_minute_ratio", ratio, "ratio", files=len(files), ours_s=ours, sharp_s=theirs,
                        photos_per_minute=round(statistics.median(rate)))
