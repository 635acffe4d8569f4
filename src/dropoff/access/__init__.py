"""Who is calling: keys, device tokens and sessions become one Principal. Knows no business objects but their ids."""
