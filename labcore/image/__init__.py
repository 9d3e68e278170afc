"""Where a root file system comes from."""
