"""What is run, from a seed: the same seed gives the same runs in the same order. Pure."""

from dataclasses import asdict, dataclass
from random import Random

from gpt4o_image.simulator.scenarios import SCENARIOS

# As documented, in every dialect and framing: half of all runs.
GOOD = [name for name in SCENARIOS if name.startswith("ok_")] + ["transparent", "crlf", "one_chunk", "partial_n"]
# Minutes of their own, or megabytes for nothing: these come seldom.
COSTLY = ["stall", "hang_before_headers", "long_queue", "split_every_char", "split_every_utf8_byte",
          "download_too_big", "download_slow"]  # fmt: skip
ONLY_TO_CANCEL = ["slow", "cancel_mid_stream", "cancel_before_headers"]
IMAGES = [name for name in SCENARIOS if name.startswith("images_")]
EITHER = [name for name in SCENARIOS if name.startswith(("shape_", "file_", "error_beside", "cut_json", "download_"))]
ODD = [name for name in SCENARIOS if name not in {*GOOD, *COSTLY, *ONLY_TO_CANCEL, *IMAGES}]

# Where a run keeps its result. Cancels go to the plain one alone: after Cancel no warning can reach anybody.
PLAIN, FULL, READ_ONLY, LOCKED = "plain", "full", "read_only", "locked"
HOMES = (PLAIN, FULL, READ_ONLY, LOCKED)
_WEIGHTS = (70, 12, 9, 9)

_LONGEST_RUN_S = 2.5  # at the speed that the gateway is given here


@dataclass(frozen=True)
class Run:
    """One call of `generate`. Runs of one `prompt` are one request, which must be paid for once."""

    id: int
    prompt: str
    scenario: str
    home: str
    endpoint: str = "chat"
    cancel_after_s: float | None = None

    def as_json(self):
        return asdict(self)


class Plan:
    """Endless; one call of `next_runs` gives one run, or two of the same request to be started at once."""

    def __init__(self, seed):
        self._dice = Random(seed)
        self._count = 0
        self._repeatable = []

    def next_runs(self):
        dice = self._dice
        if self._repeatable and dice.random() < 0.08:
            return [self._again(dice.choice(self._repeatable))]
        run = self._new()
        if run.cancel_after_s is None:
            self._repeatable = [*self._repeatable[-40:], run]
            if dice.random() < 0.08:
                return [run, self._again(run)]
        return [run]

    def _new(self):
        dice = self._dice
        (home,) = dice.choices(HOMES, _WEIGHTS)
        cancel = home == PLAIN and dice.random() < 0.15
        (names,) = dice.choices((GOOD, ODD, IMAGES, COSTLY, ONLY_TO_CANCEL), (50, 40, 6, 4, 8 if cancel else 0))
        name = dice.choice(names)
        self._count += 1
        return Run(
            self._count,
            f"soak {self._count} of a fox [[{name}]]",
            name,
            home,
            "images" if name in IMAGES or (name in EITHER and dice.random() < 0.4) else "chat",
            dice.uniform(0, _LONGEST_RUN_S) if cancel else None,
        )

    def _again(self, run):
        self._count += 1
        return Run(self._count, run.prompt, run.scenario, run.home, run.endpoint)
