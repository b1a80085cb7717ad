"""YAML files to a checked `Manifest`."""
