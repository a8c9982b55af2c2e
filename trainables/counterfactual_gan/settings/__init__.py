"""The hyperparameters of the counterfactual GAN, by what they are about."""
