"""`python -m simgen` is the `simgen` command."""

import sys

from simgen.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
