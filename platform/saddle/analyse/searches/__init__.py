"""Searches: their best trial, what can be told apart, importance, fronts and hypervolumes."""
