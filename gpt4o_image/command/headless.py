"""A ComfyUI of its own, without a window: started, spoken to over HTTP, stopped.

The only file that starts a process, which is why .comfyignore keeps it out of the registry package:
nothing may import it at module level.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, cast
from urllib.parse import urlencode

from ..errors import Billed, GPT4oImageError, shorten
from ..gateway.sdk import install_command
from ..home import PACK_ROOT
from .comfyui import ComfyUI

Json = dict[str, Any]

# What the nodes import and ComfyUI need not have; the rest of requirements.txt is for the command.
_MODULES = ("openai", "requests")
_MODULES_BEFORE_3_11 = ("tomli",)
_IMPORT_TROUBLE = ("IMPORT FAILED", "Cannot import ", "Error while calling comfy_entrypoint")
_NOT_COPIED = (".*", "tests", "benchmarks", "dist", "__pycache__", "uv.lock")
_TAIL_LINES = 30
_STOP_S = 10.0


def missing_modules(comfyui: ComfyUI) -> list[str]:
    """What the pack imports and ComfyUI's interpreter lacks; `how_to_install` is the cure."""
    wanted = f"{_MODULES!r} + {_MODULES_BEFORE_3_11!r} * (sys.version_info < (3, 11))"
    return _lacking(comfyui, wanted)


def how_to_install(comfyui: ComfyUI) -> str:
    """The command that adds what is missing."""
    has_pip = not _lacking(comfyui, "('pip',)")
    return f"run {install_command(comfyui.python, PACK_ROOT / 'requirements.txt', has_pip=has_pip)}"


def _lacking(comfyui: ComfyUI, wanted: str) -> list[str]:
    """Those of the modules, a tuple in Python's own spelling, that the interpreter does not find."""
    code = f"import sys, importlib.util as u; print(*[m for m in {wanted} if u.find_spec(m) is None])"
    command = [str(comfyui.python), "-c", code]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise GPT4oImageError("config", f"ComfyUI's Python {comfyui.python} does not run: {error}.") from error
    return done.stdout.split()


class ComfyUIServer:
    """ComfyUI's HTTP interface at `origin`, on this machine: the environment's proxies are not used."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def submit(self, prompt_graph: Json, client_id: str = "", workflow: Json | None = None) -> str:
        """Queues an API graph, gives its prompt id; `bad_request` in ComfyUI's words when it is refused.

        `workflow` is the graph as the browser shows it, which it sends along.
        """
        body: Json = {"prompt": prompt_graph, "client_id": client_id}
        if workflow is not None:
            body["extra_data"] = {"extra_pnginfo": {"workflow": workflow}}
        try:
            answer = self._json("/prompt", body)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode("utf-8", "replace")
            raise GPT4oImageError("bad_request", f"ComfyUI refused the workflow.\n{_refusal(text)}") from error
        return str(answer["prompt_id"])

    def wait(self, prompt_id: str, timeout_s: float = 600.0, *, meanwhile: Callable[[], None] = lambda: None) -> Json:
        """The history of a prompt once it ended, well or not: `failure` is None or the reason.

        `meanwhile` is called ten times a second.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            finished = self._json(f"/history/{prompt_id}").get(prompt_id)
            if finished is not None:
                return cast(Json, finished)
            meanwhile()
            time.sleep(0.1)
        raise GPT4oImageError("timeout", f"ComfyUI did not finish within {timeout_s:.0f} seconds.", billed="unknown")

    def view(self, filename: str, subfolder: str = "", folder_type: str = "output") -> bytes:
        """The bytes of a file that a node reported in its ui output."""
        query = urlencode({"filename": filename, "subfolder": subfolder, "type": folder_type})
        return self.request(f"/view?{query}")

    def interrupt(self) -> None:
        """Stops what is running; the queue goes on."""
        self.request("/interrupt", {})

    def object_info(self, node: str | None = None) -> Json:
        """What the browser gets to know of one node class, or of all; {} for a class it does not have."""
        return self._json(f"/object_info/{node}" if node else "/object_info")

    def system_stats(self) -> Json:
        return self._json("/system_stats")

    def _json(self, path: str, body: Json | None = None) -> Json:
        return cast(Json, json.loads(self.request(path, body)))

    def request(self, path: str, body: Json | None = None) -> bytes:
        """The answer to any other GET, or to a POST of `body`. Raises HTTPError."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - the origin is ours, http on loopback
            self.origin + path, data=data, headers={"Content-Type": "application/json"}
        )
        with self._opener.open(request, timeout=30) as response:
            return cast(bytes, response.read())


class HeadlessComfyUI(ComfyUIServer):
    """A ComfyUI with nothing but the given packs, for as long as the `with` block runs.

    `packs` maps folder names to pack folders; a name with a dot would cost the pack its help pages. `env` is added
    to this process's environment. Without `base_directory` everything it writes goes to a temporary folder that
    is removed at the end. `arguments` end ComfyUI's command line, e.g. `--front-end-root`. Raises `config` with the
    log's end when it does not start or cannot load a pack, `cancelled` where `cancelled()` holds before it answers.
    """

    def __init__(
        self,
        comfyui: ComfyUI,
        packs: Mapping[str, Path],
        *,
        env: Mapping[str, str] | None = None,
        base_directory: Path | None = None,
        arguments: Sequence[str] = (),
        start_timeout_s: float = 180.0,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        if any("." in name for name in packs):
            raise ValueError(f"a pack's folder name must not contain a dot: {', '.join(packs)}")
        self._port = _free_port()
        super().__init__(f"http://127.0.0.1:{self._port}")
        self.comfyui = comfyui
        self._packs = dict(packs)
        self._env = dict(env or {})
        self._arguments = tuple(arguments)
        self._temporary = base_directory is None
        self.base_directory = base_directory or Path(tempfile.mkdtemp(prefix="gpt4o-image-comfyui-"))
        self._start_timeout_s = start_timeout_s
        self._cancelled = cancelled
        self._linked: list[Path] = []
        self._ready = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log_path(self) -> Path:
        return self.base_directory / "comfyui.log"

    def log(self) -> str:
        """All that ComfyUI has printed so far, without its colours."""
        text = self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""
        return re.sub(r"\x1b\[[0-9;]*m", "", text)

    def __enter__(self) -> HeadlessComfyUI:
        try:
            self._start()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the process, asking first, and removes what was made for it. Does no harm twice."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        for link in self._linked:
            link.unlink() if link.is_symlink() else shutil.rmtree(link, ignore_errors=True)
        self._linked.clear()
        if self._temporary:
            shutil.rmtree(self.base_directory, ignore_errors=True)

    def _start(self) -> None:
        custom_nodes = self.base_directory / "custom_nodes"
        custom_nodes.mkdir(parents=True, exist_ok=True)
        for name, folder in self._packs.items():
            self._link(folder, custom_nodes / name)
        # Unbuffered, so that the log has its last words when the process dies.
        env = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **self._env}
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                self._command(),
                cwd=self.comfyui.path,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl+C is for us, who pass it on
            )

    def _command(self) -> list[str]:
        """Every flag here exists from 0.10.0 to 0.33.0 (comfy/cli_args.py)."""
        command = [str(self.comfyui.python), str(self.comfyui.path / "main.py"), "--cpu"]
        command += ["--listen", "127.0.0.1", "--port", str(self._port)]
        command += ["--base-directory", str(self.base_directory)]
        # A file: 0.10.0 uses a database in memory from two threads, which SQLite refuses.
        command += ["--database-url", f"sqlite:///{(self.base_directory / 'comfyui.db').as_posix()}"]
        command += ["--disable-auto-launch", "--disable-api-nodes", "--disable-all-custom-nodes"]
        return [*command, "--whitelist-custom-nodes", *self._packs, *self._arguments]

    def _link(self, folder: Path, link: Path) -> None:
        if link.is_symlink():
            link.unlink()  # left behind by a run that was killed
        elif link.exists():
            return  # the caller put the pack there
        self._linked.append(link)
        try:
            link.symlink_to(folder.resolve(), target_is_directory=True)
        except OSError:  # Windows refuses links to ordinary users
            shutil.copytree(folder, link, ignore=shutil.ignore_patterns(*_NOT_COPIED))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        while time.monotonic() < deadline:
            try:
                self.system_stats()
            except OSError:
                if self._cancelled():
                    raise GPT4oImageError("cancelled", "Interrupted before anything was sent.") from None
                time.sleep(0.2)
                continue
            if any(trouble in self.log() for trouble in _IMPORT_TROUBLE):
                raise self._error("ComfyUI could not load a node pack.")
            self._ready = True
            return
        raise self._error(f"ComfyUI did not start within {self._start_timeout_s:.0f} seconds.")

    def request(self, path: str, body: Json | None = None) -> bytes:
        try:
            return super().request(path, body)
        except OSError as error:
            status = self._process.poll() if self._process else None
            if status is None:
                raise
            raise self._error(f"ComfyUI stopped with exit status {status}.") from error

    def _error(self, message: str) -> GPT4oImageError:
        where = f"ComfyUI {self.comfyui.version} at {self.comfyui.path}"
        log_end = "\n".join(self.log().splitlines()[-_TAIL_LINES:])
        billed: Billed = "unknown" if self._ready else "no"
        return GPT4oImageError("config", f"{message} ({where})\nIts log ends:\n{log_end}", billed=billed)


def failure(finished: Json) -> str | None:
    """What went wrong in a finished prompt, in the node's own words; None when nothing did."""
    status = cast(Json, finished.get("status") or {})
    if status.get("status_str") == "success":
        return None
    for name, data in cast(Sequence[tuple[str, Json]], status.get("messages") or []):
        if name == "execution_error":
            return f"{data.get('node_type')}: {str(data.get('exception_message')).strip()}"
        if name == "execution_interrupted":
            return "interrupted"
    return "failed without a message"


def _refusal(text: str) -> str:
    """The sentences of a 400 answer to POST /prompt: the general one, then those of each node."""
    try:
        answer = cast(Json, json.loads(text))
        lines = [_sentence(answer["error"])]
        for node_id, node in cast(dict[str, Json], answer.get("node_errors") or {}).items():
            where = f"node {node_id} ({node['class_type']})"
            lines += [f"{where}: {_sentence(error)}" for error in node["errors"]]
    except (ValueError, LookupError, TypeError, AttributeError):
        return shorten(text)
    return "\n".join(lines)


def _sentence(error: Json) -> str:
    return ": ".join(str(error[key]) for key in ("message", "details") if error.get(key))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return cast(int, probe.getsockname()[1])
