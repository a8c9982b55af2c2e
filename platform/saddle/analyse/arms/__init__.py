"""Arms against their baseline: paired values, effects, blocks, races and verdicts."""
