"""python -m gpufa."""

import sys

from .cli import main

sys.exit(main())
