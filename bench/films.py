"""Films, beside the bare ffmpeg.

  cpu       CPU of the whole route for the ladder, beside one hand-tuned ffmpeg command with a single decode
  workers   wall of two workers of one core each, beside one
  overhead  a clip of ten seconds from upload to READY, less the bare ffmpeg's wall
  reads     bytes of the original read from the store by four hosts, beside its size; of a film of ten minutes: --seconds 600
  memory    peak memory of a chunk's task, beside the bare ffmpeg's for the same seconds
  chunks    what the film costs in chunks, beside in one piece
"""

import http.client
import http.server
import shutil
import socketserver
import statistics
import threading
import urllib.parse

import interleave
import samples
from measuring import Watch, measured, seconds
from services import TARGET, Services

# What clamd takes at once.
MOST = 2000 * 1024 * 1024 - 1
LIMITS = {
    "video_cpu_ratio": "<= 1.10",
    "video_two_workers_ratio": "<= 0.6",
    "video_overhead_s": "<= 1.5",
    "video_s3_read_ratio": "<= 1.5",
    "video_s3_read_ratio_fine": "<= 1.5",
    "video_memory_ratio": "<= 1.1",
    "chunk_overhead_percent": "<= 10",
}
SUBJECTS = ["cpu", "workers", "overhead", "reads", "memory", "chunks"]


def bare_command(film, folder, seconds=None, threads=1):
    """One decode, the ladder and the sound, with the settings of the service."""
    words = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-threads", threads]
    if seconds:
        words += ["-t", seconds]
    words += ["-i", film, "-filter_complex",
              "[0:v]fps=30,scale=1920:1080:flags=bicubic,format=yuv420p,split=3[a][b][c];"
              "[b]scale=1280:720:flags=bicubic[b1];[c]scale=640:360:flags=bicubic[c1]"]
    for label, name, most in (("[c1]", "360p", 800), ("[b1]", "720p", 2800), ("[a]", "1080p", 5000)):
        words += ["-map", label, "-c:v", "libx264", "-threads", threads, "-preset", "veryfast", "-profile:v", "high",
                  "-crf", "23", "-maxrate", f"{most}k", "-bufsize", f"{most * 3 // 2}k", "-g", "180", "-keyint_min", "180",
                  "-sc_threshold", "0", "-movflags", "+frag_keyframe+empty_moov+default_base_moof",
                  "-f", "mp4", folder / f"{name}.mp4"]
    words += ["-map", "0:a", "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-f", "mp4", folder / "sound.mp4"]
    return [str(word) for word in words]


class CountingProxy(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Hands requests on to the object store and counts the bytes of originals that come back. A host of its own."""

    daemon_threads = True

    def __init__(self, store):
        self.store, self.bytes, self.lock = urllib.parse.urlparse(store).netloc, 0, threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def relay(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        upstream = http.client.HTTPConnection(self.server.store)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            upstream.putheader(name, value)
        upstream.endheaders(body)
        answer = upstream.getresponse()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        data_follows = self.command != "HEAD" and answer.status not in (204, 304)
        chunked = data_follows and answer.getheader("Content-Length") is None
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        original = self.command == "GET" and "/originals/" in self.path
        while data_follows and (piece := answer.read(1 << 18)):
            if original:
                with self.server.lock:
                    self.server.bytes += len(piece)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        upstream.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = relay

    def log_message(self, *_):
        pass


class Films:
    def __init__(self, bench, film):
        self.bench, self.film, self.rounds = bench, film, bench.rounds

    def through(self, name, film, workers, **env):
        """The service with workers of these names and cores, one film through it: wall, CPU of workers, peak of ffmpeg."""
        with Services(self.bench.place(name), MEDIAMILL_MAX_FILE_BYTES=MOST) as services:
            working = [services.worker(f"worker{number}", cores, **env) for number, cores in enumerate(workers)]
            watches = [Watch(process.child.pid) for process in working]
            before = sum(process.cpu() for process in working)
            wall, _ = services.upload(film)
            cpu = sum(process.cpu() for process in working) - before
            peak = max(watch.stop() for watch in watches)
        shutil.rmtree(self.bench.folder / name)
        return wall, cpu, peak

    def cpu(self):
        ours, bare = [], []
        for _ in range(self.rounds):
            bare.append(measured(bare_command(self.film, self.bench.place("bare"), threads=0))[1])
            ours.append(self.through("cpu", self.film, [None])[1])
        self.bench.tell("video_cpu_ratio", statistics.median(o / b for o, b in zip(ours, bare)), "ratio",
                  ours_s=ours, bare_s=bare, film_s=seconds(self.film))

    def workers(self):
        one, two = [], []
        for _ in range(self.rounds):
            one.append(self.through("one", self.film, ["0"], MEDIAMILL_RENDER_SLOTS="1",
                                    MEDIAMILL_VIDEO_CHUNK_SECONDS="20")[0])
            two.append(self.through("two", self.film, ["0", "1"], MEDIAMILL_RENDER_SLOTS="1",
                                    MEDIAMILL_VIDEO_CHUNK_SECONDS="20")[0])
        self.bench.tell("video_two_workers_ratio", statistics.median(t / o for t, o in zip(two, one)), "ratio",
                  one_s=one, two_s=two, film_s=seconds(self.film))

    def overhead(self):
        clip = samples.film(self.bench.folder / "clip.mp4", 10)
        over, ours, bare = [], [], []
        with Services(self.bench.place("overhead"), MEDIAMILL_MAX_FILE_BYTES=MOST) as services:
            services.worker("worker")
            for number in range(self.rounds + 1):
                # Another file each time: one that is known would be served at once.
                with open(clip, "ab") as file:
                    file.write(b"\0\0\0\x0cfree" + number.to_bytes(4, "big"))
                wall, _ = services.upload(clip)
                alone = measured(bare_command(clip, self.bench.place("bare"), threads=0))[0]
                if number:  # the first warms up
                    ours.append(wall)
                    bare.append(alone)
                    over.append(wall - alone)
        self.bench.tell("video_overhead_s", statistics.median(over), "s", ours_s=ours, bare_s=bare)

    def reads(self):
        """Of a film as telephones write it, and of one with sound between any two pictures, whose sound takes all of it."""
        phone = interleave.by_the_second(self.film, self.bench.folder / "phone.mp4")
        for measure, film in (("video_s3_read_ratio", phone), ("video_s3_read_ratio_fine", self.film)):
            self.read(measure, film)

    def read(self, measure, film):
        proxies, size = [], film.stat().st_size
        with Services(self.bench.place("reads"), MEDIAMILL_MAX_FILE_BYTES=MOST) as services:
            for number in range(4):
                proxies.append(CountingProxy(services.env["MEDIAMILL_S3_ENDPOINT"]))
                services.worker(f"host{number}", MEDIAMILL_S3_ENDPOINT=proxies[-1].url,
                                MEDIAMILL_RENDER_SLOTS="1", MEDIAMILL_VIDEO_CHUNK_SECONDS="20")
            services.upload(film)
        read = [proxy.bytes for proxy in proxies]
        self.bench.tell(measure, sum(read) / size, "ratio", bytes_by_host=read, size_bytes=size, film_s=seconds(film))
        shutil.rmtree(self.bench.folder / "reads")

    def memory(self):
        ours, bare = [], []
        for _ in range(self.rounds):
            bare.append(measured(bare_command(self.film, self.bench.place("bare"), seconds=30))[2])
            ours.append(self.through("memory", self.film, [None], MEDIAMILL_RENDER_SLOTS="1",
                                     MEDIAMILL_VIDEO_CHUNK_SECONDS="60")[2])
        self.bench.tell("video_memory_ratio", statistics.median(o / b for o, b in zip(ours, bare)), "ratio",
                  ours_mib=ours, bare_mib=bare)

    def chunks(self):
        """The same program over the same film, cut into chunks of a minute of CPU and not cut at all."""
        cut, whole = [], []
        convert = TARGET / "examples" / "convert"
        for _ in range(self.rounds):
            cut.append(measured([convert, self.film, self.bench.place("chunked") / "out"])[1])
            whole.append(measured([convert, self.film, self.bench.place("whole") / "out", "whole"])[1])
        percent = statistics.median((c / w - 1) * 100 for c, w in zip(cut, whole))
        self.bench.tell("chunk_overhead_percent", percent, "percent", chunks_s=cut, whole_s=whole)
