"""`python <this folder> key set`: the command for a Python that finds the package nowhere, such as Windows portable's.

Python puts a folder that it runs at the front of its path, also when it is isolated (-I, or a ._pth file).
"""

import sys

from gpt4o_image.command.main import main

if __name__ == "__main__":
    sys.exit(main())
