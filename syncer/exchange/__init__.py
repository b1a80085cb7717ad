"""Values in the files of other programs: written for them, read from theirs; no I/O."""
