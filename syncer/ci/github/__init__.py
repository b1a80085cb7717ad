"""GitHub Actions: what a run knows there, and how it speaks."""
