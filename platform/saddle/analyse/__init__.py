"""What the finished trials say: paired effects, verdicts, importance, Pareto fronts, and the answer in words."""
