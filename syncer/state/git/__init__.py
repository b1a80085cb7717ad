"""The state in a branch of a git repository: shared by every host that may push there."""
