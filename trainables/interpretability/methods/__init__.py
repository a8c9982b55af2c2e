"""How a decision is attributed to pixels: a file here with an `AttributionMethod` adds a way. Imports no torch."""
