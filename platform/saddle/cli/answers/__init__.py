"""What commands print with `--json`: the shapes that one version of saddle's answers promises."""
