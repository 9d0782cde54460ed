"""python -m gpufa."""

import sys

from .commands.main import main

sys.exit(main())
