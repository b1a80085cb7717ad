"""The stores that hold secrets, one room each, all behind `base.Backend`."""
