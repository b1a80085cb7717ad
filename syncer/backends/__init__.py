"""The stores that hold secrets, one file each, all behind `base.Backend`."""
