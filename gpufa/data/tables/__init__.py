"""Tables: files and frames of columns, what each column is, and gaps in them."""
