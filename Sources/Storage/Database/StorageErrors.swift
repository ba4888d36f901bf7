internal import GRDB
public import LoyaltyModel

extension LoyaltyError.Code {
    /// The database was written by a newer version of this program.
    public static let storageNewerVersion = Self("storage.newer_version", kind: .configuration)
    /// SQLite did not keep `synchronous=FULL`; an answer would promise what the disk does not.
    public static let storageNotDurable = Self("storage.not_durable", kind: .inputOutput)
    /// Another process holds the state directory.
    public static let storageLocked = Self("storage.locked", kind: .temporary)
    /// The card key is not the one that the cards in this database were tokenised with.
    public static let storageWrongKey = Self("storage.wrong_key", kind: .configuration)
    public static let storageBadKey = Self("storage.bad_key", kind: .configuration)
    public static let storageCannotOpen = Self("storage.cannot_open", kind: .cannotCreate)
    public static let storageDiskFull = Self("storage.disk_full", kind: .temporary)
    public static let storageDamaged = Self("storage.damaged", kind: .inputOutput)
    public static let storageFailed = Self("storage.failed", kind: .inputOutput)
    /// A snapshot would remove a large share of the members.
    public static let membersTooManyDeletions = Self("import.too_many_removals", kind: .badData)
}

/// Turns what SQLite says into the house's error, without statement arguments: those may hold tokens or documents.
func storageError(_ error: any Error, doing: String, file: String? = nil) -> LoyaltyError {
    if let error = error as? LoyaltyError { return error }
    guard let failure = error as? DatabaseError else {
        return LoyaltyError(.storageFailed, "\(doing) failed: \(error)", at: Place(file: file))
    }
    let place = Place(file: file)
    switch failure.resultCode {
    case .SQLITE_FULL:
        return LoyaltyError(
            .storageDiskFull, "\(doing) failed: the disk is full", at: place,
            remedy: "Free space on the file system of the state directory; nothing accepted was lost")
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
        return LoyaltyError(
            .storageDamaged, "\(doing) failed: the database is damaged (\(failure.extendedResultCode))", at: place,
            remedy: "Keep the file, restore the state directory from a backup, and send the file to support")
    case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
        return LoyaltyError(
            .storageCannotOpen, "\(doing) failed: \(failure.message ?? "no access")", at: place,
            remedy: "Check that the state directory belongs to the user that runs loyaltyd")
    default:
        return LoyaltyError(
            .storageFailed, "\(doing) failed: \(failure.message ?? "SQLite error") (\(failure.extendedResultCode))",
            at: place)
    }
}
