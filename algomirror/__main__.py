"""`python -m algomirror`."""

import sys

from algomirror.cli import main

sys.exit(main())
