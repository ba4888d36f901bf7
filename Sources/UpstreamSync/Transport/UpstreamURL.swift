public import LoyaltyModel

/// The address that events are posted to.
public struct UpstreamURL: Hashable, Sendable, CustomStringConvertible {
    public let text: String
    /// False for `http`.
    public let isEncrypted: Bool
    public let host: String

    /// Reads `https://host[:port]/path`. Plain `http` is for this machine alone, unless it is allowed by name: the token and
    /// card numbers would cross the network readable.
    ///
    /// - Throws: `upstream.url`.
    public init(_ text: String, allowsPlainHTTP: Bool = false) throws(LoyaltyError) {
        let lowered = text.lowercased()
        guard lowered.hasPrefix("https://") || lowered.hasPrefix("http://"),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { throw Self.error("expected an address such as https://backend.example/events") }
        isEncrypted = lowered.hasPrefix("https://")
        let authority = lowered.dropFirst(isEncrypted ? 8 : 7).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.contains("@") else {
            throw Self.error("the address holds a user name or a password", remedy: "use the token file")
        }
        guard !text.contains("#") else { throw Self.error("the address has a fragment") }
        var host = String(authority)
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { throw Self.error("the bracket of the host does not close") }
            try Self.checkPort(host[host.index(after: end)...])
            host = String(host[host.index(after: host.startIndex)..<end])
        } else if let colon = host.firstIndex(of: ":") {
            try Self.checkPort(host[colon...])
            host = String(host[..<colon])
        }
        guard !host.isEmpty else { throw Self.error("the address has no host") }
        let isLocal = host == "localhost" || host == "::1" || host.hasPrefix("127.")
        guard isEncrypted || isLocal || allowsPlainHTTP else {
            throw Self.error(
                "plain http to \(host) would send the token and card numbers readable", remedy: "use https")
        }
        self.host = host
        self.text = text
    }

    public var description: String { text }

    private static func checkPort(_ text: Substring) throws(LoyaltyError) {
        guard text.isEmpty || (text.first == ":" && (1...65_535).contains(Int(text.dropFirst()) ?? 0)) else {
            throw error("the port is not a number from 1 to 65535")
        }
    }

    private static func error(_ message: String, remedy: String? = nil) -> LoyaltyError {
        LoyaltyError(.upstreamURL, message, remedy: remedy)
    }
}
