"""The hyperparameters of adversarial training by what they are about; `config.Config` puts them together."""
