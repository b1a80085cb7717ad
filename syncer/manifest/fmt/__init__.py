"""The manifest's text in one order and spacing: moved and never written anew, so that all of it stays as it was."""
