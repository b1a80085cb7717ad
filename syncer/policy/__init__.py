"""Rules that a platform team sets for manifests, checked without a value."""
