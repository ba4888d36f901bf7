internal import Crypto
internal import Foundation
public import LoyaltyModel

#if canImport(Glibc)
internal import Glibc
#endif

/// The terminal's (or the estate's) secret: 32 random bytes that every token and seal is derived from.
public struct CardKey: Sendable {
    let bytes: [UInt8]

    public static let length = 32

    /// - Throws: `storage.bad_key` unless there are exactly 32 bytes.
    public init(_ bytes: [UInt8], file: String? = nil) throws(LoyaltyError) {
        guard bytes.count == Self.length else {
            throw LoyaltyError(
                .storageBadKey, "a card key is 64 hexadecimal digits (\(Self.length) bytes)", at: Place(file: file))
        }
        self.bytes = bytes
    }

    /// Reads a key file: 64 hexadecimal digits, surrounding white space allowed.
    ///
    /// - Throws: `storage.bad_key`, also where others than the owner may read the file.
    public static func load(_ path: String) throws(LoyaltyError) -> CardKey {
        var status = stat()
        guard stat(path, &status) == 0, let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw LoyaltyError(.storageBadKey, "the card key cannot be read", at: Place(file: path))
        }
        guard status.st_mode & 0o077 == 0 || path.hasPrefix("/run/credentials/") else {
            throw LoyaltyError(
                .storageBadKey, "others than the owner may read the card key", at: Place(file: path),
                remedy: "chmod 0600 \(path)")
        }
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text.trimmingCharacters(in: .whitespacesAndNewlines) {
            guard let digit = character.hexDigitValue.map(UInt8.init) else {
                throw LoyaltyError(.storageBadKey, "a card key is hexadecimal", at: Place(file: path))
            }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return try CardKey(high == nil ? bytes : [], file: path)
    }

    /// Loads the key, or makes a new one with mode 0600 where there is none yet.
    ///
    /// - Throws: `storage.bad_key`, `storage.cannot_open`.
    public static func loadOrCreate(_ path: String) throws(LoyaltyError) -> CardKey {
        if access(path, F_OK) == 0 { return try load(path) }
        let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        // Complete under another name first: a half-written key would lock the terminal out for ever.
        let draft = "\(path).\(getpid())"
        defer { unlink(draft) }
        unlink(draft)
        try write(Array((hexadecimal(bytes) + "\n").utf8), to: draft)
        guard link(draft, path) == 0 else {
            if errno == EEXIST { return try load(path) }
            throw refusal(path, "cannot be made: \(String(cString: strerror(errno)))")
        }
        // The key must outlive the first token: file and name go to the disk before anything is tokenised.
        guard StateDirectory.synchronize(directoryOf: path) else {
            throw refusal(path, "could not be written")
        }
        return try CardKey(bytes, file: path)
    }

    private static func write(_ text: [UInt8], to path: String) throws(LoyaltyError) {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw refusal(path, "cannot be made: \(String(cString: strerror(errno)))") }
        let written = Glibc.write(descriptor, text, text.count)
        let synced = fsync(descriptor)
        Glibc.close(descriptor)
        guard written == text.count, synced == 0 else { throw refusal(path, "could not be written") }
    }

    private static func refusal(_ path: String, _ what: String) -> LoyaltyError {
        LoyaltyError(.storageCannotOpen, "the card key \(what)", at: Place(file: path))
    }
}

/// A keyed token that stands for a card at rest: the first 16 bytes of HMAC-SHA-256(kind, 0, number).
public struct CardToken: Hashable, Sendable {
    let bytes: Data

    /// Lower-case hexadecimal, 32 digits.
    public var text: String { hexadecimal(Array(bytes)) }

    init(bytes: Data) { self.bytes = bytes }

    /// Reads 32 hexadecimal digits; nil for anything else.
    public init?(text: String) {
        guard text.utf8.count == 32 else { return nil }
        var bytes = Data()
        var rest = text[...]
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        self.bytes = bytes
    }
}

/// Makes tokens and seals. The two keys are derived from the card key by HKDF (RFC 5869) under different names, so that
/// one never serves for the other.
struct CardVault: Sendable {
    private let tokenKey: SymmetricKey
    private let sealKey: SymmetricKey

    init(key: CardKey) {
        let root = SymmetricKey(data: key.bytes)
        func derived(_ name: String) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(inputKeyMaterial: root, info: Data(name.utf8), outputByteCount: 32)
        }
        tokenKey = derived("loyaltyd card token 1")
        sealKey = derived("loyaltyd card seal 1")
    }

    /// Tells two keys apart without telling either.
    var keyCheck: Data {
        Data(HMAC<SHA256>.authenticationCode(for: Data("loyaltyd key check".utf8), using: tokenKey).prefix(8))
    }

    func token(_ card: CardNumber, kind: CardIdentifierKind = .card) -> CardToken {
        var code = HMAC<SHA256>(key: tokenKey)
        code.update(data: Data(kind.rawValue.utf8))
        code.update(data: Data([0]))
        code.update(data: Data(card.value.utf8))
        return CardToken(bytes: Data(code.finalize().prefix(16)))
    }

    /// AES-256-GCM with a random nonce; the entry's id is authenticated, so a seal cannot be moved to another entry.
    func seal(_ card: CardNumber, for entry: String) throws -> Data {
        let box = try AES.GCM.seal(Data(card.value.utf8), using: sealKey, authenticating: Data(entry.utf8))
        guard let combined = box.combined else {
            throw LoyaltyError(.storageFailed, "a card number could not be sealed")
        }
        return combined
    }

    func open(_ sealed: Data, for entry: String) throws -> CardNumber? {
        let box = try AES.GCM.SealedBox(combined: sealed)
        return CardNumber(
            verbatim: String(
                decoding: try AES.GCM.open(box, using: sealKey, authenticating: Data(entry.utf8)), as: UTF8.self))
    }
}

/// SHA-256 in lower-case hexadecimal, the form of `ProgramIdentity.hash`.
public func sha256Text(_ bytes: [UInt8]) -> String { hexadecimal(Array(SHA256.hash(data: bytes))) }

func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}
