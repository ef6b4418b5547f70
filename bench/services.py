"""The service on this machine, for benchmarks: private services, the API, and workers, each a process of a release build."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
MEDIAMILL = TARGET / "mediamill"


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, **more)


class Services:
    """A private Postgres, S3 server and clamd, the schema, a key, and the API."""

    def __init__(self, folder, **settings):
        self.folder, self.workers = folder, []
        self.child = subprocess.Popen([TARGET / "examples" / "services", folder / "services"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        self.env = dict(os.environ, **{name: str(value) for name, value in settings.items()})
        for line in self.child.stdout:
            if line == "ready\n":
                break
            name, value = line.rstrip("\n").split("=", 1)
            self.env[name] = value
        else:
            sys.exit("the services did not start")
        self.env.update(MEDIAMILL_LISTEN="127.0.0.1:0", MEDIAMILL_EDGE="true",
                        MEDIAMILL_CDN_BASE_URL="http://127.0.0.1/cdn")
        run(MEDIAMILL, "migrate", env=self.env, stdout=subprocess.DEVNULL)
        self.key = self.key_of("bench")
        self.api = Process(self, ["api"], folder / "api.log")
        self.url = self.api.said.split()[-1]

    def key_of(self, owner):
        made = run(MEDIAMILL, "keys", "create", "--owner", owner, "--scope", "uploads:write", "--scope", "files:read",
                   env=self.env, capture_output=True, text=True)
        return made.stdout.strip()

    def worker(self, name, cores=None, **env):
        self.workers.append(Process(self, ["worker"], self.folder / f"{name}.log", cores,
                                    MEDIAMILL_SCRATCH_DIR=str(self.folder / f"scratch-{name}"), **env))
        return self.workers[-1]

    def upload(self, film):
        began = time.perf_counter()
        done = run(MEDIAMILL, "upload", "--wait", "--json", "--timeout", "4h", "--api", self.url, "--key", self.key, film,
                   capture_output=True, text=True)
        taken = time.perf_counter() - began
        file = json.loads(done.stdout)["file"]
        assert file["status"] == "READY", done.stdout
        return taken, file

    def upload_all(self, files):
        run(MEDIAMILL, "upload", "--wait", "--json", "--timeout", "4h", "--api", self.url, "--key", self.key, *files,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for process in [*self.workers, self.api]:
            process.stop()
        self.child.stdin.close()
        self.child.wait(60)


class Process:
    """A process of the service, from the line that says that it is ready."""

    def __init__(self, services, words, log, cores=None, **env):
        words = [MEDIAMILL, *words] if cores is None else ["taskset", "-c", cores, MEDIAMILL, *words]
        self.child = subprocess.Popen([str(word) for word in words], env=dict(services.env, **env), text=True,
                                      stdout=subprocess.PIPE, stderr=open(log, "w"))
        self.said = self.child.stdout.readline()
        if "ready" not in self.said:
            sys.exit(f"{words} did not start: " + log.read_text())

    def cpu(self):
        """CPU seconds of it and of every child that it has waited for."""
        fields = pathlib.Path("/proc", str(self.child.pid), "stat").read_text().rsplit(")", 1)[1].split()
        return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait(120)
