"""Orders, returns, units and passes."""
