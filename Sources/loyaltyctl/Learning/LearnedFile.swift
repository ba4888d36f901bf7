import FoundationEssentials
import Glibc
import LoyaltyModel

/// The file of a learned reader: written beside its place, checked by the daemon's own loader, and only then put there.
struct LearnedFile {
    let path: String

    static let dropIns = "/etc/loyaltyd/loyaltyd.toml.d"
    /// What files begin with that this command may replace.
    static let mark = "# Written by loyaltyctl readers learn"

    /// Whether loyaltyd has looked at the sections; it may not be on this machine.
    typealias Checked = Bool

    /// - Throws: `learn.file`, `config.rejected`; whatever was there before is there again.
    func write(_ text: String) throws(LoyaltyError) -> Checked {
        let before = try? String(contentsOfFile: path, encoding: .utf8)
        if let before, !before.hasPrefix(Self.mark) {
            throw LoyaltyError(
                .learnFile, "the file is there already, and not by this command", at: Place(file: path),
                remedy: "Choose another one with -o")
        }
        let draft = path + ".new"
        try Self.store(text, draft)
        do throws(LoyaltyError) {
            guard try DaemonCheck.run(draft) else {
                try move(draft)
                return false
            }
            try move(draft)
            try checkWhole(before)
            return true
        } catch {
            unlink(draft)
            throw error
        }
    }

    /// - Throws: `config.rejected`, `learn.file`
    static func checkAlone(_ text: String) throws(LoyaltyError) -> Checked {
        var template = Array("/tmp/loyaltyd-learn.XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        let draft = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(draft) }
        try store(text, draft)
        return try DaemonCheck.run(draft)
    }

    /// All of the configuration that the file is a drop-in of.
    private func checkWhole(_ before: String?) throws(LoyaltyError) {
        guard let main = Self.main(of: path), access(main, R_OK) == 0 else { return }
        do throws(LoyaltyError) { _ = try DaemonCheck.run(main) } catch {
            if let before { try Self.store(before, path) } else { unlink(path) }
            throw error
        }
    }

    /// `x.toml` of `x.toml.d/y.toml`.
    static func main(of path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 1, parts[parts.count - 2].hasSuffix(".toml.d") else { return nil }
        return String(parts.dropLast().joined(separator: "/").dropLast(2))
    }

    private func move(_ draft: String) throws(LoyaltyError) {
        guard rename(draft, path) == 0 else { throw Self.failure("the file cannot be put in its place", path) }
    }

    private static func store(_ text: String, _ path: String) throws(LoyaltyError) {
        do { try text.write(toFile: path, atomically: false, encoding: .utf8) } catch {
            throw failure("the file cannot be written", path)
        }
        chmod(path, 0o644)
    }

    private static func failure(_ message: String, _ path: String) -> LoyaltyError {
        LoyaltyError(
            .learnFile, message, at: Place(file: path), remedy: "Run it as root, or print the sections with -o -")
    }
}

extension LoyaltyError.Code {
    static let learnFile = Self("learn.file", kind: .cannotCreate)
    /// loyaltyd refuses the configuration.
    static let configurationRejected = Self("config.rejected", kind: .configuration)
}
