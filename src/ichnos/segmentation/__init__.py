"""From a scan to a bleed mask and millilitres."""
