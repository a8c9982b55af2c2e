"""One self-contained HTML file per study: the answer first, then everything it rests on."""
