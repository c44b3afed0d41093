"""How takes drift from the catalog over time: measured, drawn, and read from what is kept."""
