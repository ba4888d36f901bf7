import Glibc
public import LoyaltyModel
import NIOCore

/// Where a till server listens.
public enum TillEndpoint: Sendable {
    /// Who may connect is a matter of the file's mode and group.
    case unix(path: String, mode: UInt32, group: UInt32?)
    /// Who may connect is a matter of the token: a TCP socket has no owner, and a page in a browser can reach it.
    case loopback(LoopbackAddress, TillToken)
}

/// An address of this machine alone, with a port.
public struct LoopbackAddress: Sendable, Hashable, CustomStringConvertible {
    /// `127.0.0.1` or `::1`, never a name: what a name means is not this program's decision.
    public let host: String
    /// 0 to 65535; 0 lets the system choose.
    public let port: Int

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// - Parameter text: `127.0.0.1:PORT` or `[::1]:PORT`.
    /// - Throws: `till.socket` for any other address.
    public init(_ text: String) throws(LoyaltyError) {
        let known = [("127.0.0.1:", "127.0.0.1"), ("localhost:", "127.0.0.1"), ("[::1]:", "::1")]
        guard let (prefix, host) = known.first(where: { text.hasPrefix($0.0) }) else {
            throw LoyaltyError(
                .tillSocket, "tills connect over TCP from this machine only",
                remedy: "Write \"127.0.0.1:PORT\" or \"[::1]:PORT\"")
        }
        let digits = text.dropFirst(prefix.count)
        guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let port = Int(digits), (0...65_535).contains(port)
        else {
            throw LoyaltyError(.tillSocket, "the port is a number from 1 to 65535")
        }
        (self.host, self.port) = (host, port)
    }

    func cannotListen(_ error: any Error) -> LoyaltyError {
        let number = (error as? IOError)?.errnoCode
        let reason = number.map(systemErrorText) ?? "\(error)"
        return LoyaltyError(
            number == EADDRINUSE ? .tillSocketBusy : .tillSocket, "cannot listen for tills on \(self): \(reason)",
            remedy: number == EADDRINUSE ? "Is loyaltyd running already? Else choose another port" : nil)
    }
}
