"""Refresh, plan, guard, apply."""
