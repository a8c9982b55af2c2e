"""What a study file may say, and everything that can be wrong with it; imports neither ray, mlflow nor torch."""
