/// How a serial line is set. The defaults are those of scanners fresh from the factory: 9600 8N1.
public struct SerialLine: Sendable, Hashable {
    /// The raw value is the word in configuration.
    public enum Parity: String, Sendable, Codable, CaseIterable {
        case none, odd, even, mark, space
    }

    /// The raw value is the word in configuration.
    public enum StopBits: String, Sendable, Codable, CaseIterable {
        case one = "1"
        case oneAndHalf = "1.5"
        case two = "2"
    }

    /// The rates that every adapter can make, in bits per second.
    public static let baudRates: ClosedRange<UInt32> = 300...921_600

    /// In bits per second; held within `baudRates`.
    public let baudRate: UInt32
    /// 5 to 8; held within.
    public let dataBits: UInt8
    public let parity: Parity
    public let stopBits: StopBits
    /// Many scanners send only while the host shows DTR.
    public let dataTerminalReady: Bool
    public let requestToSend: Bool

    public init(
        baudRate: UInt32 = 9600, dataBits: UInt8 = 8, parity: Parity = .none, stopBits: StopBits = .one,
        dataTerminalReady: Bool = true, requestToSend: Bool = true
    ) {
        self.baudRate = min(max(baudRate, Self.baudRates.lowerBound), Self.baudRates.upperBound)
        self.dataBits = min(max(dataBits, 5), 8)
        self.parity = parity
        self.stopBits = stopBits
        self.dataTerminalReady = dataTerminalReady
        self.requestToSend = requestToSend
    }

    /// Reads data bits, parity and stop bits as they are commonly written: `8N1`, `7E2`, `5O1.5`.
    ///
    /// - Returns: nil for anything else.
    public init?(baudRate: UInt32, framing: String) {
        let letters = Array(framing.utf8)
        guard letters.count >= 3, let stopBits = StopBits(rawValue: String(framing.dropFirst(2))) else { return nil }
        let parities: [UInt8: Parity] = [
            UInt8(ascii: "N"): .none, UInt8(ascii: "O"): .odd, UInt8(ascii: "E"): .even, UInt8(ascii: "M"): .mark,
            UInt8(ascii: "S"): .space,
        ]
        guard (UInt8(ascii: "5")...UInt8(ascii: "8")).contains(letters[0]), let parity = parities[letters[1] & 0xdf]
        else { return nil }
        self.init(baudRate: baudRate, dataBits: letters[0] - UInt8(ascii: "0"), parity: parity, stopBits: stopBits)
    }

    /// The number that CDC-ACM, FTDI and CP210x all give it.
    var parityCode: UInt8 {
        switch parity {
        case .none: 0
        case .odd: 1
        case .even: 2
        case .mark: 3
        case .space: 4
        }
    }

    /// The number that CDC-ACM, FTDI and CP210x all give them.
    var stopBitsCode: UInt8 {
        switch stopBits {
        case .one: 0
        case .oneAndHalf: 1
        case .two: 2
        }
    }

    /// The rate in little endian, as CDC-ACM and CP210x take it.
    var baudRateBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: baudRate >> (8 * UInt32($0))) } }

    /// Bit 0 DTR, bit 1 RTS.
    var lineState: UInt16 { (dataTerminalReady ? 1 : 0) | (requestToSend ? 2 : 0) }
}
