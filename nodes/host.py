"""The only file that imports comfy.*, folder_paths and server. Each function is one thing asked of the host.

The host is imported inside the functions: ComfyUI's modules may not be imported while a pack is.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from PIL import Image

Made = TypeVar("Made")
Shown = ParamSpec("Shown")
Cancelled = Callable[[], bool]

_POLL_S = 0.1
_TICK_S = 1.0
_PREVIEW_PX = 512


def home() -> Path:
    """The folder of config and vault: GPT4O_IMAGE_HOME, else ComfyUI's system user folder, which it never serves."""
    import folder_paths

    named = os.environ.get("GPT4O_IMAGE_HOME")
    # By os.path: Path.expanduser raises where there is no home folder.
    return Path(os.path.expanduser(named) if named else folder_paths.get_system_user_directory("gpt4o_image"))  # noqa: PTH111


def interrupted() -> bool:
    """Whether the user pressed Cancel. Reading does not clear it."""
    from comfy.model_management import processing_interrupted

    return bool(processing_interrupted())


def raise_interrupt() -> None:
    """Ends the node the way the host expects after Cancel: no error dialog."""
    from comfy.model_management import InterruptProcessingException

    raise InterruptProcessingException


def executing() -> tuple[str, str, int] | None:
    """(prompt id, node id, list index) of the node whose coroutine calls this; None where the host does not know."""
    try:
        from comfy_execution.utils import get_executing_context
    except ImportError:
        return None
    running = get_executing_context()
    return (running.prompt_id, running.node_id, running.list_index or 0) if running else None


def queue_items() -> tuple[list[Any], list[Any]]:
    """The queue's running and pending items, as the host keeps them. Any thread may call. Raises UnknownQueue."""
    from .pending_calls import UnknownQueue

    try:
        running, pending = server().prompt_queue.get_current_queue_volatile()
        return list(running), list(pending)
    except (AttributeError, TypeError, ValueError) as error:
        raise UnknownQueue from error


def pack_of(class_type: str) -> Path | None:
    """The folder of the pack that brought a node class, two above its file; None for a class that is not there."""
    with suppress(KeyError, AttributeError, TypeError):
        brought = sys.modules["nodes"].NODE_CLASS_MAPPINGS[class_type].__module__
        return Path(str(sys.modules[brought].__file__)).absolute().parents[1]
    return None


def lazy_inputs(class_type: str) -> set[str] | None:
    """The inputs of a node class that it may never ask for; None for a class that is not there."""
    try:
        inputs = sys.modules["nodes"].NODE_CLASS_MAPPINGS[class_type].INPUT_TYPES()
        declared = [*inputs.get("required", {}).items(), *inputs.get("optional", {}).items()]
        return {name for name, spec in declared if len(spec) > 1 and spec[1].get("lazy")}
    except Exception:  # noqa: BLE001 - code of any other pack
        return None


def _harmless(show: Callable[Shown, None]) -> Callable[Shown, None]:
    """Money is being spent while something is shown: no fault of a display, or of a fork of the host, may end that."""

    @functools.wraps(show)
    def shown(*args: Shown.args, **kwargs: Shown.kwargs) -> None:
        try:
            show(*args, **kwargs)
        except Exception:
            logging.getLogger(__name__).debug("nothing shown", exc_info=True)

    return shown


def server() -> Any:
    """ComfyUI's web server; None where the nodes are loaded without one. Loads nothing."""
    module = sys.modules.get("server")
    return getattr(getattr(module, "PromptServer", None), "instance", None)


def is_serving() -> bool:
    """False while ComfyUI starts: it asks each node for its schema then, and uses only the name in it."""
    return bool(getattr(getattr(server(), "app", None), "frozen", True))


def input_names(hidden: Any) -> list[str]:
    """The inputs that the running prompt names for this node, in its order. `hidden` is the node's, with `dynprompt`.

    Names that begin with $$ are left out: front ends give them to widgets of their own.
    """
    if hidden.dynprompt is None:
        return []
    inputs = hidden.dynprompt.get_node(hidden.unique_id)["inputs"]
    return [name for name in inputs if not name.startswith("$$")]


def blocker() -> Any:
    """Stands for an output that is not there: what depends on it is skipped silently, the rest of a list goes on."""
    from comfy_execution.graph_utils import ExecutionBlocker

    return ExecutionBlocker(None)


def folder() -> Path:
    """ComfyUI's own folder, or the one that stands for it (--base-directory)."""
    import folder_paths

    return Path(folder_paths.base_path)


def temp_folder() -> Path:
    """The folder of pictures that browsers show and that ComfyUI deletes at its start."""
    import folder_paths

    return Path(folder_paths.get_temp_directory())


def input_folder() -> Path:
    """ComfyUI's folder of files to work on."""
    import folder_paths

    return Path(folder_paths.get_input_directory())


def keeps_metadata() -> bool:
    """Whether the graph may be kept with what it made: not with --disable-metadata."""
    from comfy.cli_args import args

    return not getattr(args, "disable_metadata", False)


@_harmless
def send_result_event(result_id: str, percent: int | None, *, ended: bool) -> None:
    """The event `gpt4o_image.result` for every browser. Any thread may call."""
    # Nothing but what JSON can say: the host's sender fails on all else.
    server().send_sync("gpt4o_image.result", {"id": str(result_id), "percent": percent, "ended": bool(ended)})


@_harmless
def send_queue_event(result_id: str | None = None) -> None:
    """The event `gpt4o_image.queue`: calls of the queue were sent, or `result_id` was and its prompt is gone."""
    server().send_sync("gpt4o_image.queue", {"left": result_id})


@_harmless
def send_outcome_event(event: Mapping[str, Any]) -> None:
    """The event `gpt4o_image.outcome` for the client that queued the prompt."""
    running = server()
    running.send_sync("gpt4o_image.outcome", json.loads(json.dumps(event)), running.client_id)


@_harmless
def show_progress(node_id: str, percent: float, preview: Image.Image | None = None) -> None:
    """The node's own bar, 0..100. `preview` must be RGB: the host's sender fails on an alpha channel.

    Safe from any thread: unlike ProgressBar's hook this neither raises nor clears an interrupt.
    """
    from comfy_execution.progress import get_progress_state

    image = ("JPEG", preview, _PREVIEW_PX) if preview else None
    # The registry is a plain dict that the host's loop may be growing; the next try sees it grown.
    for _ in range(3):
        with suppress(RuntimeError):
            get_progress_state().update_progress(node_id, percent, 100.0, image)
            return


@_harmless
def show_text(node_id: str, text: str) -> None:
    """A line of text on the node, for the client that queued it. Older front ends read it as HTML."""
    running = server()
    running.send_progress_text(without_markup(text), node_id, running.client_id)


def without_markup(text: str) -> str:
    """Text without `<`, for places where some front end reads it as HTML."""
    return text.replace("<", "")


async def run_in_thread(work: Callable[[Cancelled], Made], *, tick: Callable[[], None] = lambda: None) -> Made:
    """`work(cancelled)` in a thread of its own, away from whatever blocks the host's loop.

    `cancelled` is true once the user cancels or the host abandons this node; `work` ends soon after.
    `tick` is called about once a second meanwhile.
    """
    given_up = threading.Event()
    future: Future[Made] = Future()
    future.set_running_or_notify_cancel()

    def body() -> None:
        try:
            future.set_result(work(lambda: given_up.is_set() or interrupted()))
        except BaseException as error:  # noqa: BLE001 - carried to the coroutine, which raises it
            future.set_exception(error)

    # Not asyncio.to_thread: its pool holds only a few threads, and a picture takes minutes.
    threading.Thread(target=body, name="gpt4o-image", daemon=True).start()
    waiting = asyncio.wrap_future(future)
    try:
        while not waiting.done():
            await asyncio.wait({waiting}, timeout=_TICK_S)
            tick()
        return waiting.result()
    finally:
        given_up.set()


class Slots:
    """How many paid calls of this server may run at once; further ones wait for their turn."""

    def __init__(self) -> None:
        self._taken = 0
        self._waiting = 0
        self._changed = threading.Condition()

    @contextmanager
    def one_of(self, limit: int, cancelled: Cancelled) -> Iterator[None]:
        """Waits for a slot, or until `cancelled`; either way the block runs."""
        with self._changed:
            self._waiting += 1
            while self._taken >= limit and not cancelled():
                self._changed.wait(_POLL_S)
            self._waiting -= 1
            self._taken += 1
        try:
            yield
        finally:
            self.give_back()

    def take_free(self, limit: int) -> bool:
        """Takes a slot that nobody waits for; False where there is none. `give_back` ends it."""
        with self._changed:
            free = self._taken < limit and not self._waiting
            self._taken += free
            return free

    def give_back(self) -> None:
        with self._changed:
            self._taken -= 1
            self._changed.notify()


# One for the whole server: every node draws on the same account.
SLOTS = Slots()
