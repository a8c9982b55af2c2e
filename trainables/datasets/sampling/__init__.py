"""Which images of a dataset a trial uses: subsets, groups held out whole, balanced epochs."""
