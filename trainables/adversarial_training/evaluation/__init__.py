"""What is measured of a trained network: accuracies, analyses, galleries, the checklist of honest robustness."""
