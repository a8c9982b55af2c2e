"""The figures of a study's report: each file has one or more, found by `saddle.report.figure_registry`."""
