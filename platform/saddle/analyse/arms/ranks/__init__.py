"""Mean ranks of arms over several metrics."""
