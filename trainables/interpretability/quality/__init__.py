"""How good an attribution is: concise, stable, relevant, and the network's own."""
