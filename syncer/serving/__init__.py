"""Answers other programs over HTTP, for as long as it is let."""
