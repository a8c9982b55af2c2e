"""How a gain depends on a property of the units, such as datasets, that it was measured on."""
