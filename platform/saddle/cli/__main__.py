"""`python -m saddle.cli`, where the `saddle` script isn't on the path."""

from saddle.cli import main

main()
