"""How far the evaluations behind the numbers can be trusted: attacks, predictions, draws, the badge."""
