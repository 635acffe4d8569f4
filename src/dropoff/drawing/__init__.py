"""Labels as marks on a sheet (`marks`), drawn as PDF, PNG and ZPL (`printing`), whatever stands on them."""
