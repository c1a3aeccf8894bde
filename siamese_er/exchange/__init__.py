"""Golden records in the formats of other systems; reads published runs, writes outside of them."""
