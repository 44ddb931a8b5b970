"""`python -m eqspec`."""

import sys

from eqspec.cli.main import main

sys.exit(main())
