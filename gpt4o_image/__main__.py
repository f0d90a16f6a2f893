"""`python -m gpt4o_image`, for a ComfyUI whose Python has the pack's requirements but not its command."""

import sys

from .command.main import main

sys.exit(main())
