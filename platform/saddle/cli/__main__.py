"""`python -m saddle.cli`, where the `saddle` script isn't on the path."""

from __future__ import annotations

import sys

from saddle.cli import main, working_directory

if not sys.flags.safe_path and sys.path[0] in ("", working_directory()):
    del sys.path[0]  # `-m` puts the working directory there, whose random.py or torch.py is not a module of ours

main()
