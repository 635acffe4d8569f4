"""Words every room shares: errors, ids, time, money, codes and GS1 numbers. Knows the standard library and msgspec."""
