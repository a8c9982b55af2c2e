"""Studies that are run every night: what is trained tonight, what it says about the code, and who is notified."""
