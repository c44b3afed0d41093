"""What can be chosen on the command line, known before Django is."""

NAMES = ["generation", "analysis", "collection", "export", "declaration", "DNA", "upload", "request", "stamp"]
FAULTS = ["worker killed", "group killed", "database cut", "disk full", "service down"]
