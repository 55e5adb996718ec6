#!/usr/bin/env python
"""Django's command line for Patchbay."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "proxyproject.settings")
    from proxyproject.command_line import run

    run(sys.argv)


if __name__ == "__main__":
    main()
