"""Names the revision of this package: another one may find in an answer what this one did not. Knows no answer."""

from __future__ import annotations

import contextlib
import hashlib
from functools import lru_cache
from pathlib import Path

_HERE = Path(__file__).parent


@lru_cache(maxsize=1)
def revision() -> str:
    """A name for the code as it is, by its source, so that nobody has to remember to count it up."""
    digest = hashlib.sha256()
    with contextlib.suppress(OSError):
        for path in [*sorted(_HERE.glob("*.py")), *sorted(_HERE.glob("*.json")), _HERE.parent / "urls.py"]:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
