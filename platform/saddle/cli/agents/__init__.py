"""What agents are given over the Model Context Protocol."""
