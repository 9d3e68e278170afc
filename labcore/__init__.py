"""labcore: a container runtime small enough to read, one module per mechanism."""

__version__ = "0.1.0"
