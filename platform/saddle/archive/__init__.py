"""What is stored: looking studies and trials up, their status, comparing, exporting, measuring again."""
