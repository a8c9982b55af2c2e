"""Attribution of decisions to pixels: a file here with an `AttributionMethod` adds a method. Imports no torch."""
