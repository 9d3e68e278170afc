"""What an engine adds to a runtime: names, networks, published ports."""
