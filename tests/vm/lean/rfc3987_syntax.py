"""Stands in for a package that nothing here needs: its import compiles a grammar, half a minute in the VM.

jsonschema takes it when it can, to check addresses in other letters; a notebook's format has none.
"""

raise ImportError("left out in the VM")
