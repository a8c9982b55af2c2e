"""Generators: from an image to its counterfactual and its class (S1, 3.1.1 and A.1)."""
