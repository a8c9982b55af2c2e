"""Room for trials: resources, nodes, slots, and what is waited for or requested."""
