"""What `nexxi redact` can do with findings: operators, pseudonyms and the way back, fields, files, processes."""
