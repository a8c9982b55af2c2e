"""The evaluation of a trained network: accuracies, analyses, galleries, the checklist of honest robustness."""
