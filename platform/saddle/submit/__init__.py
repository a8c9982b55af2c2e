"""Studies on somebody else's machines: the code that travels, Ray Jobs, and who may connect."""
