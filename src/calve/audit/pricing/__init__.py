"""What it would take to calve a candidate off: a bill of materials with evidence, and a range of effort."""
