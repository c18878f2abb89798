"""A real control plane of Kubernetes on loopback, for tests: etcd, API server, controllers.

The programs are built by `.ci/kubernetes`. There is no scheduler, no container and no network: a
small kubelet (`kubelet.py`) executes the commands of pods as processes of this machine.
"""

import ctypes
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import yaml

CACHE = Path(
    os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "stackfold-tests", "kubernetes"
)
SUPPORT = Path(__file__).parent
ADMIN, LIMITED = "admin-token", "limited-token"
CONTROLLERS = (
    "cronjob,garbagecollector,job,namespace,serviceaccount,serviceaccount-token,"
    "root-ca-cert-publisher,ttl-after-finished"
)


def missing() -> str:
    """Why no control plane can be started here; empty if one can."""
    programs = [CACHE / "bin" / name for name in ("kube-apiserver", "kube-controller-manager")]
    if not all(program.exists() for program in programs) or not shutil.which("etcd"):
        return "no API server of Kubernetes was built: run .ci/kubernetes as root on Debian 12"
    mounted = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    if mounted.returncode:
        return "the kubelet of the tests may not mount secrets here: it needs root, and unshare"
    return ""


def free_port():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


def _die_with_the_tests():
    """Let the kernel kill this process when the thread that started it ends."""
    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


class ControlPlane:
    """The control plane; its parts can be killed and started again."""

    def __init__(self, folder):
        self.folder = folder
        self.pki = folder / "pki"
        self.pki.mkdir(parents=True)
        self.url = f"https://127.0.0.1:{free_port()}"
        self.etcd_url, self.peer_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.ca = self.pki / "apiserver.crt"
        self.processes = {}
        # A process dies with the thread that started it, and a test may end that of its own.
        self._starter = ThreadPoolExecutor(max_workers=1)

    def start(self):
        key = self.pki / "sa.key"
        self._openssl("genrsa", "-out", str(key), "2048")
        self._openssl("rsa", "-in", str(key), "-pubout", "-out", str(self.pki / "sa.pub"))
        (self.folder / "tokens.csv").write_text(
            f'{ADMIN},admin,1,"system:masters"\n{LIMITED},limited,2\n'
        )
        self._spawn(
            "etcd",
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={self.etcd_url}",
            f"--advertise-client-urls={self.etcd_url}",
            f"--listen-peer-urls={self.peer_url}",
            f"--initial-advertise-peer-urls={self.peer_url}",
            f"--initial-cluster=default={self.peer_url}",
            "--unsafe-no-fsync",
        )
        self.start_api_server()
        self._spawn(
            "controllers",
            CACHE / "bin" / "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig()}",
            f"--controllers={CONTROLLERS}",
            f"--service-account-private-key-file={key}",
            f"--root-ca-file={self.ca}",
            "--bind-address=127.0.0.1",
            f"--secure-port={free_port()}",
            "--port=0",
            f"--cert-dir={self.pki}",
            "--leader-elect=false",
            "--feature-gates=TTLAfterFinished=true",
        )
        self._spawn_kubelet()

    def start_api_server(self):
        self._spawn(
            "api-server",
            CACHE / "bin" / "kube-apiserver",
            f"--etcd-servers={self.etcd_url}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.url.rpartition(':')[2]}",
            f"--cert-dir={self.pki}",
            "--service-cluster-ip-range=10.0.0.0/24",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            f"--service-account-key-file={self.pki / 'sa.pub'}",
            f"--service-account-signing-key-file={self.pki / 'sa.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--feature-gates=TTLAfterFinished=true",
        )
        self.wait_until_ready()

    def wait_until_ready(self):
        end = time.monotonic() + 180
        while True:
            try:
                context = ssl.create_default_context(cafile=str(self.ca))
                with urlopen(f"{self.url}/readyz", context=context, timeout=2):
                    return
            except OSError:
                assert time.monotonic() < end, (self.folder / "api-server.log").read_text()[-2000:]
                time.sleep(0.2)

    def kubeconfig(self, token=ADMIN, namespace="default"):
        """The file by which a user connects."""
        path = self.folder / f"kubeconfig-{token}"
        configuration = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "c",
                    "cluster": {"server": self.url, "certificate-authority": str(self.ca)},
                }
            ],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [
                {"name": "x", "context": {"cluster": "c", "user": "u", "namespace": namespace}}
            ],
            "current-context": "x",
        }
        path.write_text(yaml.safe_dump(configuration))
        return path

    def kill(self, name, how=signal.SIGKILL):
        process = self.processes.pop(name)
        process.send_signal(how)
        process.wait()

    def stop(self):
        for name in reversed(list(self.processes)):
            # The kubelet ends its pods.
            self.kill(name, signal.SIGTERM if name == "kubelet" else signal.SIGKILL)

    def restart_kubelet(self):
        self.kill("kubelet", signal.SIGTERM)
        self._spawn_kubelet()

    def _spawn_kubelet(self):
        self._spawn(
            "kubelet",
            sys.executable,
            SUPPORT / "kubelet.py",
            self.url,
            self.ca,
            ADMIN,
            self.folder / "kubelet",
        )

    def _spawn(self, name, *command):
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = self._starter.submit(
                subprocess.Popen,
                list(map(str, command)),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=SUPPORT,
                env={**os.environ, "PYTHONPATH": ""},
                preexec_fn=_die_with_the_tests,  # which only calls the kernel
                start_new_session=True,  # Ctrl-C is for the tests
            ).result()

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
