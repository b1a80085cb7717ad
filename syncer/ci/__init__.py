"""What a run on a CI platform knows, and what it tells people there."""
