"""GPUs: which there are, a trial's share of one, and errors after which one can't be used."""
