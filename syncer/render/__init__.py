"""Plans and outcomes as text; no I/O."""
