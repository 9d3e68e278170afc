"""Pictures: one file each; every picture is an SVG of fixed bytes, a twin in plain text, and one sentence."""
