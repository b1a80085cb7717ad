"""Dagu: the managed secrets of a workflow engine, Global, by workspace, and of runtime profiles."""
