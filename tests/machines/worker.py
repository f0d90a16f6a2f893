"""One machine: makes its requests in threads until each has its picture, or the budget says no. It may be killed.

Its orders are one JSON object on stdin; each end of a request is a JSON line on stdout.
"""

import hashlib
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gpt4o_image import paid_call
from gpt4o_image.gateway.config import Config
from gpt4o_image.generation import generate
from gpt4o_image.request import Request
from gpt4o_image.vault import claims, results

AT_ONCE = 4
PAUSE_S = 0.2
SENT_NOTHING = ("config",)  # the database was away, or at its limit
ENDS = ("budget", "download_failed")  # a call that died with nothing but a preview's link is never paid for again


def hurry(times):
    """All of the vault's patience by so much shorter."""
    paid_call.HEARTBEAT_S /= times
    results.SILENT_S = claims.SILENT_S = results.SILENT_S / times
    claims.WATCH_S /= times


def shift_clock(seconds):
    real = time.time
    time.time = lambda: real() + seconds


def say(**facts):
    os.write(1, json.dumps(facts).encode() + b"\n")


def one(prompt, config, environ):
    while True:
        outcome = generate(
            Request(prompt, count="1"), "aihubmix", config, environ, notify=lambda _: None, cancelled=lambda: False
        )
        error = outcome.error
        if error is None:
            pictures = [hashlib.sha256(each.data).hexdigest() for each in outcome.pictures]
            say(prompt=prompt, pictures=pictures, reused=outcome.reused)
            return
        if error.kind not in SENT_NOTHING:
            say(prompt=prompt, error=error.kind, message=error.message)
        if error.kind in ENDS:
            return
        time.sleep(PAUSE_S)


def main():
    orders = json.loads(sys.stdin.readline())
    hurry(orders["hurry"])
    shift_clock(orders["clock_s"])
    config = Config(Path(orders["home"]) / "config.toml", timeout_s=60.0, daily_budget_usd=orders["budget_usd"])
    environ = {"AIHUBMIX_API_KEY": "sk-machines-0123456789", "GPT4O_IMAGE_BASE_URL": orders["gateway"]}
    environ |= {"GPT4O_IMAGE_VAULT": orders["vault"]} if orders["vault"] else {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(one, prompt, config, environ) for prompt in orders["prompts"]]:
            done.result()
    for thread in threading.enumerate():
        if thread.name == "gpt4o-image-vault":  # what the database had refused until now
            thread.join()


main()
