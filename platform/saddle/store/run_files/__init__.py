"""Further files of a run: checks, notes, plans, units, output of trials, sources."""
