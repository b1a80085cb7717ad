"""What reads values: one, all of a scope, or what a handle names; through fallback, and never a disabled one."""
