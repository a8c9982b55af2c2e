"""Searches: their best trial, which trials can be distinguished, importance, fronts and hypervolumes."""
