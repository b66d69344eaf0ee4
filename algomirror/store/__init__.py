"""What must survive: tables, column types, save and load."""
