import LoyaltyModel

/// `HOST:PORT`, with an IPv6 host in brackets.
struct ListenAddress: Hashable, Sendable {
    var host: String
    var port: Int

    /// - Throws: `sim.address`.
    init(_ text: String) throws(LoyaltyError) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port), colon != text.startIndex
        else {
            throw LoyaltyError(.simulatorAddress, "expected an address such as 127.0.0.1:8790, not \"\(text)\"")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.host = host
        self.port = port
    }

    /// The root URL of a server on this host and another port, the one it was given for port 0.
    func url(port: Int) -> String { host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)" }
}
