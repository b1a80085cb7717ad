"""Kestra Enterprise: secrets of namespaces, through its own REST API."""
