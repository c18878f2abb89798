"""A kubelet and a scheduler for tests: executes the commands of pods as processes of this machine.

Each pod is a process in a mount namespace of its own, in which its secrets and the token of its
service account are mounted where its manifest says. Images are not pulled: `python` is the Python
of the tests, and the working folder that of this file. A pod can ask, by annotations of the test,
to be treated as real kubelets and schedulers treat pods in trouble:

- `test/unschedulable`, `test/image-pull`: it never starts.
- `test/oom`: it is killed, as by the kernel, once this file exists.
- `test/evicted`: it is evicted once this file exists.
- `test/once`: only the first pod with this value is treated so.

Usage: kubelet.py URL CA TOKEN FOLDER
"""

import base64
import contextlib
import datetime as dt
import http.server
import json
import os
import shlex
import signal
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import urllib3

NODE = "node1"
ENDED = ("Succeeded", "Failed")


def now():
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Api:
    def __init__(self, url, ca, token):
        self.url, self.token = url, token
        self.pool = urllib3.PoolManager(ca_certs=ca, retries=False, maxsize=50)

    def __call__(self, method, path, body=None, kind="application/json"):
        response = self.pool.request(
            method,
            self.url + path,
            body=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": kind},
            timeout=10,
        )
        if response.status >= 300:
            raise OSError(f"{method} {path}: {response.status} {response.data[:300]}")
        return json.loads(response.data)

    def patch_status(self, path, status):
        kind = "application/strategic-merge-patch+json"
        return self("PATCH", f"{path}/status", {"status": status}, kind)


class Pod:
    """A pod that this node executes."""

    def __init__(self, kubelet, manifest):
        self.kubelet, self.api = kubelet, kubelet.api
        self.manifest = manifest
        meta = manifest["metadata"]
        self.path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        self.key = (meta["namespace"], meta["name"])
        self.folder = kubelet.folder / meta["uid"]
        self.folder.mkdir(parents=True)
        self.log = self.folder / "log"
        self.log.touch()
        self.container = manifest["spec"]["containers"][0]
        self.process = None
        self.is_stopping = threading.Event()
        self.has_ended = threading.Event()

    def run(self):
        try:
            self._run()
        except Exception as error:
            print(self.key, "failed:", error, flush=True)
        finally:
            self.has_ended.set()

    def _run(self):
        trouble = self._trouble()
        if "image-pull" in trouble:
            image = self.container["image"]
            waiting = {
                "reason": "ImagePullBackOff",
                "message": f'Back-off pulling image "{image}"',
            }
            self._report("Pending", {"waiting": waiting})
            return
        self._report("Pending", {"waiting": {"reason": "ContainerCreating"}})
        mounts = self._mounts()
        variables = {each["name"]: self._value(each) for each in self.container.get("env", [])}
        command = [*self.container.get("command", []), *self.container.get("args", [])]
        script = [f"mount --bind {shlex.quote(str(a))} {shlex.quote(b)}" for a, b in mounts]
        script = ["mount -t tmpfs none /run && mkdir -p /run/lock", *self._targets(mounts), *script]
        script.append("exec " + shlex.join(command))
        with open(self.log, "ab") as log:
            started = now()
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", " && ".join(script)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={
                    "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin:/usr/sbin:/sbin",
                    "HOME": "/root",
                    "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                    "KUBERNETES_SERVICE_PORT": self.api.url.rpartition(":")[2],
                    **variables,
                },
                process_group=0,
            )
        running = {"running": {"startedAt": started}}
        probe = self.container.get("readinessProbe")
        self._report("Running", running, is_ready=not probe, startTime=started)
        if probe and self._becomes_ready(probe["httpGet"]):
            self._report("Running", running, startTime=started)
        reason, more = "", {}
        if "oom" in trouble or "evicted" in trouble:
            mark = Path(trouble.get("oom") or trouble["evicted"])
            while self.process.poll() is None and not mark.exists():
                time.sleep(0.05)
            if self.process.poll() is None:
                reason = "OOMKilled" if "oom" in trouble else "Evicted"
                self.kill()
        code = self.process.wait()
        code = 128 - code if code < 0 else code
        if reason == "Evicted":
            more = {"reason": reason, "message": "The node was low on resource: memory."}
        ended = {
            "exitCode": 137 if reason == "OOMKilled" else code,
            "reason": reason or ("Completed" if code == 0 else "Error"),
            "startedAt": started,
            "finishedAt": now(),
        }
        self._report("Succeeded" if code == 0 else "Failed", {"terminated": ended}, **more)

    def _becomes_ready(self, probe):
        """Wait until a probe on loopback succeeds; False if the process ends before."""
        url = f"http://127.0.0.1:{probe['port']}{probe['path']}"
        while self.process.poll() is None:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                if urllib3.request("GET", url, timeout=1, retries=False).status == 200:
                    return True
            time.sleep(0.1)
        return False

    def stop(self):
        """End it as a deleted pod is ended, in time."""
        if self.is_stopping.is_set():
            return
        self.is_stopping.set()
        threading.Thread(target=self._stop, daemon=True).start()

    def _stop(self):
        if self.process and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            grace = self.manifest["spec"].get("terminationGracePeriodSeconds", 30)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(grace)
            self.kill()
        self.has_ended.wait(5)
        with contextlib.suppress(OSError):
            self.api("DELETE", f"{self.path}?gracePeriodSeconds=0")

    def kill(self):
        """Kill all its processes: each step has a process group of its own, below this one."""
        for child in children(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    def _trouble(self):
        found = {
            key.removeprefix("test/"): value
            for key, value in self.manifest["metadata"].get("annotations", {}).items()
            if key.startswith("test/")
        }
        once = found.pop("once", None)
        if once is not None and once in self.kubelet.treated:
            return {}
        self.kubelet.treated.add(once)
        return found

    def _mounts(self):
        """The folders to mount, and where; waits for secrets, as real kubelets do."""
        found = []
        meta, spec = self.manifest["metadata"], self.manifest["spec"]
        volumes = {each["name"]: each for each in spec.get("volumes", [])}
        for mount in self.container.get("volumeMounts", []):
            volume = volumes[mount["name"]]
            folder = self.folder / "volumes" / mount["name"]
            folder.mkdir(parents=True)
            if "secret" in volume:
                data = self._secret(volume["secret"]["secretName"])
                for key, value in data.items():
                    (folder / key).write_bytes(base64.b64decode(value))
            else:
                print(self.key, "volume left out:", volume, flush=True)
            found.append((folder, mount["mountPath"]))
        assert meta
        return found

    def _targets(self, mounts):
        return [f"mkdir -p {shlex.quote(target)}" for _, target in mounts]

    def _secret(self, name):
        while not self.is_stopping.is_set():
            with contextlib.suppress(OSError):
                found = self.api("GET", f"/api/v1/namespaces/{self.key[0]}/secrets/{name}")
                return found.get("data", {})
            time.sleep(0.1)
        raise RuntimeError("stopped")

    def _value(self, variable):
        if "valueFrom" not in variable:
            return variable.get("value", "")
        if "fieldRef" in variable["valueFrom"]:
            field = variable["valueFrom"]["fieldRef"]["fieldPath"]
            label = field.removeprefix("metadata.labels['").removesuffix("']")
            return self.manifest["metadata"]["labels"][label]
        source = variable["valueFrom"]["secretKeyRef"]
        return base64.b64decode(self._secret(source["name"])[source["key"]]).decode()

    def _report(self, phase, state, is_ready=True, **more):
        status = {
            "name": self.container["name"],
            "image": self.container["image"],
            "imageID": "",
            "ready": is_ready and "running" in state,
            "restartCount": 0,
            "state": state,
        }
        while True:
            try:
                self.api.patch_status(
                    self.path, {"phase": phase, "containerStatuses": [status], **more}
                )
                return
            except OSError as error:
                if " 404 " in str(error):
                    return  # deleted meanwhile
            except urllib3.exceptions.HTTPError:
                pass  # the API server is gone: a real kubelet goes on, too
            time.sleep(0.3)


def children(pid):
    """All processes below a process."""
    found = []
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError):
            for child in map(int, (thread / "children").read_text().split()):
                found += [child, *children(child)]
    return found


class Kubelet:
    def __init__(self, api, folder):
        self.api, self.folder = api, folder
        self.pods = {}
        self.treated = set()
        self.is_over = threading.Event()

    def main(self):
        port = self._serve_logs()
        with contextlib.suppress(OSError):
            self.api("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "capacity": {"cpu": "2", "memory": "8Gi", "pods": "50"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "ok"}],
        }
        self.api.patch_status(f"/api/v1/nodes/{NODE}", status)
        while not self.is_over.wait(0.05):
            try:
                for manifest in self.api("GET", "/api/v1/pods")["items"]:
                    self._see(manifest)
            except Exception as error:  # the API server is gone, or too slow
                print("kubelet:", error, flush=True)
        for pod in self.pods.values():
            if pod.process:
                pod.kill()

    def _see(self, manifest):
        meta = manifest["metadata"]
        uid, path = meta["uid"], f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        pod = self.pods.get(uid)
        if meta.get("deletionTimestamp"):
            if pod:
                pod.stop()
            else:
                self.api("DELETE", f"{path}?gracePeriodSeconds=0")
        elif not manifest["spec"].get("nodeName"):
            self._schedule(manifest, path)
        elif pod is None and manifest["status"].get("phase") not in ENDED:
            pod = self.pods[uid] = Pod(self, manifest)
            threading.Thread(target=pod.run, daemon=True).start()

    def _schedule(self, manifest, path):
        if "test/unschedulable" in manifest["metadata"].get("annotations", {}):
            condition = {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
            }
            self.api.patch_status(path, {"conditions": [condition]})
            return
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
        name = manifest["metadata"]["name"]
        self.api("POST", f"{path}/binding", {"metadata": {"name": name}, "target": target})

    def _serve_logs(self):
        kubelet = self
        key, certificate = self.folder / "tls.key", self.folder / "tls.crt"
        if not certificate.exists():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                 "-keyout", str(key), "-out", str(certificate), "-subj", f"/CN={NODE}"],
                check=True,
                capture_output=True,
            )  # fmt: skip

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                parts = urlsplit(self.path)
                query = parse_qs(parts.query)
                words = parts.path.strip("/").split("/")
                found = [
                    each for each in list(kubelet.pods.values()) if each.key == tuple(words[1:3])
                ]
                if words[0] != "containerLogs" or not found:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self._send(found[-1], "true" in query.get("follow", []), query)

            def _send(self, pod, follow, query):
                with open(pod.log, "rb") as log:
                    if "tailLines" in query:
                        count = int(query["tailLines"][0])
                        self._chunk(b"".join(log.readlines()[-count:]))
                    while True:
                        is_last = pod.has_ended.is_set() or not follow
                        data = log.read(2**16)
                        if data:
                            self._chunk(data)
                        elif is_last:
                            break
                        else:
                            time.sleep(0.02)
                self.wfile.write(b"0\r\n\r\n")

            def _chunk(self, data):
                if data:
                    self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                    self.wfile.flush()

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # whoever read has gone

        server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_port


if __name__ == "__main__":
    url, ca, token, folder = sys.argv[1:]
    Path(folder).mkdir(exist_ok=True)
    kubelet = Kubelet(Api(url, ca, token), Path(folder))
    signal.signal(signal.SIGTERM, lambda *_: kubelet.is_over.set())
    kubelet.main()
