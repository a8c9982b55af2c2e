"""What the evaluations behind the numbers were worth: attacks, predictions, draws, the badge."""
