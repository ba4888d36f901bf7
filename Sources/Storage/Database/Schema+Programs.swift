/// Program files that were in force.
extension Schema {
    static let programs = """
        CREATE TABLE program_copy (
            hash TEXT PRIMARY KEY,
            file TEXT NOT NULL,
            text TEXT NOT NULL,
            kept_at INTEGER NOT NULL,
            loaded_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
