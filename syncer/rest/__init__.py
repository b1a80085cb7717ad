"""JSON over HTTP, for stores that have no SDK: asked call by call, what goes wrong told in our words."""
