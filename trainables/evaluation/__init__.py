"""How counterfactuals, classifiers and saliency maps are measured: plain functions on tensors and callables."""
