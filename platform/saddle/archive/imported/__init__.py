"""Studies of results that were trained elsewhere, made from a table of them."""
