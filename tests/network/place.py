"""A network of its own: namespaces in which nothing but loopback exists, with names, addresses and a store of our own.

Linux only: `unshare` and `ip`. Whoever called `enter` runs inside; nothing that is sent there leaves this machine.
"""

import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

INSIDE = "GPT4O_IMAGE_NETWORK_INSIDE"
NAMESPACES = ["unshare", "--net", "--mount", "--propagation", "private"]
PUBLIC, PLACEHOLDER, PROXY = "93.184.216.34", "198.18.0.7", "10.9.8.7"
# Where this machine's OpenSSL, or a Python built elsewhere, looks for the system's certificates.
STORES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/cert.pem", "/etc/ssl/cert.pem", "/usr/lib/ssl/cert.pem")


def command():
    """What to start a command with, so that it has such a network; None where that is not possible."""
    if not sys.platform.startswith("linux") or not shutil.which("ip"):
        return None
    found = NAMESPACES if os.geteuid() == 0 else [*NAMESPACES, "--map-root-user"]
    try:
        trial = [*found, "sh", "-c", "ip link set lo up && mount -t tmpfs tmpfs /mnt"]
        ended = subprocess.run(trial, check=False, capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found if ended.returncode == 0 else None


def enter():
    """Starts this program over inside. Raises SystemExit where that is not possible."""
    if INSIDE not in os.environ:
        found = command()
        if found is None:
            sys.exit(
                "No network namespace can be made here: Linux, `unshare` and `ip` are needed, and leave to use them."
            )
        os.environ[INSIDE] = "yes"
        os.execvp(found[0], [*found, sys.executable, *sys.orig_argv[1:]])
    if socket.if_nameindex() != [(1, "lo")]:
        sys.exit("This network has a way out: nothing is tried here.")


def furnish(folder, public_ca):
    """Addresses of the internet and of a proxy on loopback, DNS at 127.0.0.1, and `public_ca` in the system's store."""
    _run("ip", "link", "set", "lo", "up")
    for address in (PUBLIC, PROXY):
        _run("ip", "address", "add", address, "dev", "lo")
    # As the network program of a fake-ip resolver does: it carries every connection to this range.
    _run("ip", "route", "add", "local", "198.18.0.0/15", "dev", "lo")
    _replace(folder, "/etc/resolv.conf", b"nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    _replace(folder, "/etc/nsswitch.conf", b"hosts: files dns\n")  # no resolver of the system's behind its own socket
    _replace(folder, "/etc/hosts", b"127.0.0.1 localhost\n::1 localhost\n")
    for store in {os.path.realpath(store) for store in STORES if Path(store).is_file()}:
        _replace(folder, store, Path(store).read_bytes() + b"\n" + public_ca.pem.read_bytes())


def _replace(folder, path, content):
    if Path(path).exists():
        file = folder / path.strip("/").replace("/", "_")
        file.write_bytes(content)
        _run("mount", "--bind", file, os.path.realpath(path))


def _run(*words):
    subprocess.run([*map(str, words)], check=True, capture_output=True, text=True)


class Dns:
    """Answers every name of `names` (a dict of name -> IPv4 address); the rest does not exist. `asked` counts names."""

    def __init__(self):
        self.names = {}
        self.asked = Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            query, client = self._socket.recvfrom(4096)
            with suppress(OSError, IndexError, UnicodeDecodeError):
                self._socket.sendto(self._answer(query), client)

    def _answer(self, query):
        """RFC 1035: header, the question as it came, and an A record of no lifetime where the name has one."""
        labels, at = [], 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode("ascii").lower())
            at += length + 1
        question, kind = query[12 : at + 5], struct.unpack(">H", query[at + 1 : at + 3])[0]
        name = ".".join(labels)
        self.asked[name] += 1
        address = self.names.get(name) if kind == 1 else None
        record = struct.pack(">HHHIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(address) if address else b""
        flags = 0x8180 if name in self.names else 0x8183  # NXDOMAIN
        return query[:2] + struct.pack(">HHHHH", flags, 1, bool(record), 0, 0) + question + record
