"""The array types that pictures have here."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]  # 0..255
Floats = npt.NDArray[np.float32]  # 0..1
Samples = npt.NDArray[Any]  # either, or floats of another width
