"""What we remember having written: the state file, its journal, its lock, its key."""
