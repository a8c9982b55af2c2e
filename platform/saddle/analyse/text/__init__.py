"""How numbers and names are written; computes nothing."""
