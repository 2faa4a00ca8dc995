"""From modules to units: the parts people already named, what couples them, and which could stand alone."""
