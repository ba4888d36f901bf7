import EarnRules
import LoyaltyModel

/// A program file on disk.
struct ProgramSource {
    /// As it was named.
    let file: String
    let text: String
    let program: Program

    /// - Throws: `member_file.*` where the file cannot be read, `document.*` and `program.*` with line and column.
    init(_ path: String) throws(LoyaltyError) {
        file = path == "-" ? "stdin" : path
        text = try Self.text(path)
        // The hash names a version in transactions; here nothing is written.
        program = try Program.load(toml: text, file: file, hash: "")
    }

    static func load(_ path: String) throws(LoyaltyError) -> Program { try ProgramSource(path).program }

    static func text(_ path: String) throws(LoyaltyError) -> String {
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
        return text
    }
}
