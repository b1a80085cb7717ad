"""Where values come from, one file each, all behind `base.Source`."""
