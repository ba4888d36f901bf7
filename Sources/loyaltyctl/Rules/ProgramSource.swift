import EarnRules
import LoyaltyModel

/// A program file on disk.
enum ProgramSource {
    /// - Throws: `member_file.*` where the file cannot be read, `document.*` and `program.*` with line and column.
    static func load(_ path: String) throws(LoyaltyError) -> Program {
        let source = try MemberFileSource(path: path)
        var bytes: [UInt8] = []
        while true {
            let part = try source.chunk(at: Int64(bytes.count))
            if part.isEmpty { break }
            bytes += part
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw LoyaltyError(.memberFileUnreadable, "the file is not UTF-8 text", at: Place(file: source.name))
        }
        // The hash names a version in transactions; here nothing is written.
        return try Program.load(toml: text, file: source.name, hash: "")
    }
}
