"""What must hold after a soak, read from what all processes said and from what is on the disks."""

import hashlib
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import plan
from PIL import Image, ImageFile, PngImagePlugin

# The scenarios' faulty files are whole files too.
ImageFile.LOAD_TRUNCATED_IMAGES = True
PngImagePlugin.MAX_TEXT_CHUNK = 1 << 26
NOT_KEPT = "The vault could not keep"
NOT_SENT = ("othing was sent", "before anything was sent")
MOST_SHOWN = 5
DOWNLOAD_S = 90.0


class Verdict:
    """One line for each promise, and whether it was kept."""

    def __init__(self):
        self.lines = []
        self.kept = True

    def say(self, promise, broken, figures):
        self.kept = self.kept and not broken
        self.lines.append(f"{promise}: {'BROKEN' if broken else 'ok'} ({figures})")
        self.lines += [f"  {line}" for line in broken[:MOST_SHOWN]]
        if len(broken) > MOST_SHOWN:
            self.lines.append(f"  ... and {len(broken) - MOST_SHOWN} more")


class Story:
    """What was said, put together by run and by prompt."""

    def __init__(self, runs, events, folders):
        self.runs = {run.id: run for run in runs}
        self.vaults = {home: Vault(folder / "vault") for home, folder in folders.items()}
        self.ends = {event["run"]: event for event in events if event["what"] == "end"}
        self.killed = {event["pid"]: event["at"] for event in events if event["what"] == "killed"}
        self.starts = {event["run"]: event for event in events if event["what"] == "start"}
        self.events = events
        self.posts = Counter(event["prompt"] for event in events if event["what"] == "post")
        self.by_prompt = defaultdict(list)
        for run in runs:
            self.by_prompt[run.prompt].append(run)
        self.prompt_of_target = {
            target: event["prompt"] for event in events if event["what"] == "hung" for target in event["targets"]
        }

    def vault(self, prompt):
        return self.vaults[self.by_prompt[prompt][0].home]

    def excused(self, prompt, *, stopped=False):
        """Whether somebody who ran `prompt` died, or said that the vault could not keep it, or stopped reading."""
        for run in self.by_prompt[prompt]:
            end = self.ends.get(run.id)
            if end is None or self._killed_soon_after(end) or any(NOT_KEPT in warning for warning in end["warnings"]):
                return True
            # A deadline, too, may come before what the gateway has sent is read.
            if stopped and (end["kind"] in ("cancelled", "timeout") or any("(timeout)" in w for w in end["warnings"])):
                return True
        return False

    def told(self, prompt):
        """What is known of the runs of `prompt`."""
        runs = self.by_prompt[prompt]
        ends = [self.ends.get(run.id) for run in runs]
        said = [f"{end['kind'] or 'ok'} {end['message'][:300]!r} {end['warnings']}" for end in ends if end]
        return f"{prompt}, home {runs[0].home}: {'; '.join(said)}"

    def lived(self, run_id, since, until):
        """Whether this run was alive at some moment of that time."""
        start, end = self.starts.get(run_id), self.ends.get(run_id)
        died = end["at"] if end else self.killed.get(start and start["pid"], until)
        return start is not None and start["at"] < until and died > since

    def _killed_soon_after(self, end):
        """Whether the process was killed while the downloads of a run that was cancelled went on."""
        killed = self.killed.get(end.get("pid"))
        return end["kind"] == "cancelled" and killed is not None and killed - end["at"] < DOWNLOAD_S

    def could_say(self, prompt):
        """Whether trouble with this prompt's disk would have reached somebody."""
        return self.on_a_sound_disk(prompt) or all(run.id in self.ends for run in self.by_prompt[prompt])

    def on_a_sound_disk(self, prompt):
        return self.by_prompt[prompt][0].home in (plan.PLAIN, "host")


class Vault:
    """What lies in one vault, read without the code that wrote it."""

    def __init__(self, folder):
        self.folder = folder
        self.rows, self.links, self.files, self.integrity = [], defaultdict(set), defaultdict(set), "ok"
        self.prompts = Counter()
        database = folder / "vault.sqlite3"
        if not database.exists():
            return
        with closing(sqlite3.connect(database)) as db:
            (self.integrity,) = db.execute("PRAGMA integrity_check").fetchone()
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'files'").fetchone():
                return  # the disk was full, or nobody lived long enough
            running = "CASE WHEN heartbeat IS NULL THEN 'ended' ELSE 'running' END"
            self.rows = db.execute(f"SELECT id, prompt, {running} FROM results").fetchall()
            prompts = {row[0]: row[1] for row in self.rows}
            for result_id, address in db.execute("SELECT result_id, address FROM links"):
                self.links[prompts[result_id]].add(address)
            for result_id, sha256, name in db.execute("SELECT result_id, sha256, name FROM files"):
                self.files[prompts[result_id]].add((sha256, name))
        self.prompts = Counter(prompt for _, prompt, _ in self.rows)

    def targets(self, prompt):
        return {target_of(address) for address in self.links[prompt]}

    def faults(self):
        """Files that do not open or are not what their name says, rows without a file."""
        stored = {path.name for path in (self.folder / "files").glob("[!.]*")} if self.rows else set()
        named = {name for files in self.files.values() for _, name in files}
        faults = [f"{name} has a row and no file" for name in named - stored]
        for name in sorted(stored):
            path = self.folder / "files" / name
            if hashlib.sha256(path.read_bytes()).hexdigest() != Path(name).stem:
                faults.append(f"{name} holds something else")
                continue
            if path.read_bytes()[4:8] == b"ftyp":
                continue  # a HEIC, which nothing here decodes
            try:
                with Image.open(path) as picture:
                    picture.load()
            except (OSError, SyntaxError) as error:
                faults.append(f"{name} does not open: {error}")
        return faults, len(stored)


def target_of(address):
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def judge(story):
    verdict = Verdict()
    _posts(story, verdict)
    _paid_once(story, verdict)
    _waits(story, verdict)
    _rows(story, verdict)
    _links(story, verdict)
    _pictures(story, verdict)
    _files(story, verdict)
    _raised(story, verdict)
    return verdict


def sent_by(end):
    """(least, most) POSTs that a run says it sent. One that died says nothing."""
    if end is None:
        return 0, 1
    if end["reused"] or end["result_id"] is None or any(words in end["message"] for words in NOT_SENT):
        return 0, 0
    if end["kind"] == "cancelled" and end["billed"] == "no":
        return 0, 0  # held back at its first byte
    return (0, 1) if end["billed"] == "unknown" else (1, 1)


def _posts(story, verdict):
    broken, claims, unsure = [], 0, 0
    for prompt, runs in story.by_prompt.items():
        said = [sent_by(story.ends.get(run.id)) for run in runs]
        least, most = (sum(numbers) for numbers in zip(*said, strict=True))
        claims += least
        unsure += most - least
        if not least <= story.posts[prompt] <= most:
            broken.append(
                f"{story.posts[prompt]} POSTs where {least} to {most} were said to be sent: {story.told(prompt)}"
            )
    strangers = set(story.posts) - set(story.by_prompt)
    broken += [f"nobody ran {prompt}" for prompt in strangers]
    total = sum(story.posts.values())
    figures = f"{total} POSTs; {claims} runs say they sent one, {unsure} were killed or cut off before they could know"
    verdict.say("POSTs = runs", broken, figures)


def _paid_once(story, verdict):
    broken, repeated = [], 0
    for prompt, runs in story.by_prompt.items():
        repeated += len(runs) > 1
        ends = [story.ends[run.id] for run in runs if run.id in story.ends]
        bought = [end for end in ends if end["status"] == "ok" and not end["reused"]]
        if len(bought) > 1 and not story.excused(prompt):
            broken.append(f"bought {len(bought)} times: {story.told(prompt)}")
    verdict.say("one request is bought once", broken, f"{repeated} requests came more than once")


def _waits(story, verdict):
    """Who waits for another run of the same request waits for one that lives."""
    broken, count = [], 0
    for run_id, end in story.ends.items():
        if not end.get("waited"):
            continue
        count += 1
        began = story.starts[run_id]["at"]
        others = [run.id for run in story.by_prompt[story.runs[run_id].prompt] if run.id != run_id]
        if not any(story.lived(other, began, end["at"]) for other in others):
            broken.append(f"waited for nobody: {story.told(story.runs[run_id].prompt)}")
    verdict.say("nobody waits for a dead run", broken, f"{count} waited for a living one")


def _rows(story, verdict):
    broken, running = [], 0
    for prompt, count in story.posts.items():
        if story.vault(prompt).prompts[prompt] < count:
            broken.append(f"sent without a row: {prompt}")
    for vault in story.vaults.values():
        for result_id, prompt, status in vault.rows:
            running += status == "running"
            if status == "running" and not story.excused(prompt):
                broken.append(f"{result_id} has no end: {story.told(prompt)}")
    rows = sum(len(vault.rows) for vault in story.vaults.values())
    figures = f"{rows} rows, {running} without an end since their run was killed or the disk failed"
    verdict.say("a row before each POST, and an end in it", broken, figures)


def _links(story, verdict):
    broken, count, asked = [], 0, 0
    for event in story.events:
        prompt = event.get("prompt") or story.prompt_of_target.get(event.get("target"))
        if event["what"] == "answered" and event["whole"] and not story.excused(prompt, stopped=True):
            count += len(event["links"])
            known = story.vault(prompt).targets(prompt)
            missing = {url for url in event["links"] if target_of(url) not in known}
            broken += [f"delivered, not in the vault: {url} of {story.told(prompt)}" for url in missing]
        if event["what"] == "asked" and prompt and story.could_say(prompt):
            asked += 1
            if event["target"] not in story.vault(prompt).targets(prompt) and not trouble(story, prompt):
                broken.append(f"fetched before it was written down: {event['target']} of {prompt}")
    verdict.say("each link is in the vault", broken, f"{count} links of whole answers, {asked} GETs")


def trouble(story, prompt):
    ends = [story.ends[run.id] for run in story.by_prompt[prompt] if run.id in story.ends]
    return any(NOT_KEPT in warning for end in ends for warning in end["warnings"])


def _pictures(story, verdict):
    broken, count, excused = [], 0, 0
    for event in story.events:
        if event["what"] == "fetched":
            prompt, shas = story.prompt_of_target[event["target"]], [event["sha256"]]
        elif event["what"] == "answered" and event["whole"]:
            prompt, shas = event["prompt"], event["inline"]
        else:
            continue
        kept = {sha256 for sha256, _ in story.vault(prompt).files[prompt]}
        missing = set(shas) - kept
        count += len(shas)
        # After Cancel a download goes on, but no warning reaches anybody.
        stopped = event["what"] == "answered" or not story.on_a_sound_disk(prompt)
        if missing and story.excused(prompt, stopped=stopped):
            excused += len(missing)
            continue
        broken += [f"delivered, not in the vault: {sha256} of {story.told(prompt)}" for sha256 in missing]
    figures = f"{count} delivered, {excused} of them to a run that was killed or warned that the disk failed"
    verdict.say("each picture is in the vault", broken, figures)


def _files(story, verdict):
    broken, count, left = [], 0, 0
    for home, vault in story.vaults.items():
        faults, stored = vault.faults()
        count += stored
        broken += [f"{home}: {fault}" for fault in faults]
        if vault.integrity != "ok":
            broken.append(f"{home}: {vault.integrity}")
        left += len(list((vault.folder / "files").glob(".*"))) if vault.rows else 0
    verdict.say("each file opens, each index is sound", broken, f"{count} files, {left} halves left by kills")


def _raised(story, verdict):
    raised = [event["trace"].strip() for event in story.events if event["what"] == "raised"]
    kinds = Counter(end["kind"] or ("reused" if end["reused"] else "ok") for end in story.ends.values())
    ends = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    verdict.say("a run ends in a value", raised, ends)
