"""The script that one would write without this pack: the SDK's stream, a pattern for links, requests, Pillow, numpy.

No vault, no checks, no progress, no second try. Run as a module by worker.py, with a base URL. Its imports are part of
its first generation, as they are of a script's.
"""

from __future__ import annotations

import io
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .worker import serve

PROMPT = "a red fox\n\nCreate exactly 2 images. Aspect ratio 2:3. The background is transparent."


def ask(base_url: str) -> list[str]:
    import openai  # noqa: TID251 - a script, not a part of the pack

    client, text = openai.OpenAI(base_url=base_url, api_key="sk-benchmark", max_retries=0), ""
    for chunk in client.chat.completions.create(
        model="gpt-4o-image-vip", messages=[{"role": "user", "content": PROMPT}], stream=True
    ):
        if chunk.choices and chunk.choices[0].delta.content:
            text += chunk.choices[0].delta.content
    return re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)


def load(url: str) -> Any:
    import numpy as np
    import requests
    from PIL import Image

    answer = requests.get(url, timeout=60)
    answer.raise_for_status()
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA")).astype(np.float32) / 255


def generate(base_url: str, *, at_once: bool) -> tuple[Any, Any]:
    """The pictures [B,H,W,4] and masks [B,H,W], as a node gives them."""
    import numpy as np

    links = ask(base_url)
    if at_once:
        with ThreadPoolExecutor() as pool:
            image = np.stack(list(pool.map(load, links)))
    else:
        image = np.stack([load(link) for link in links])
    if image.shape != (2, 1536, 1024, 4):
        raise ValueError(f"not the pictures that were asked for: {image.shape}")
    return image, 1 - image[..., 3]


if __name__ == "__main__":
    url, how = sys.argv[1:]
    serve(lambda: generate(url, at_once=how == "at_once"))
