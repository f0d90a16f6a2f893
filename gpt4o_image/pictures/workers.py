"""The threads in which pictures are decoded and drawn."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

# Of the whole process: more threads than cores would finish no sooner, but keep the host's loop from its turn. And
# always the same ones: each thread has a heap, and 16 pictures in 16 of them cost more in fresh memory than in work.
workers = ThreadPoolExecutor(os.cpu_count() or 1, "gpt4o-image-pixels")
