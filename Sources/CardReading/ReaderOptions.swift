/// What ends a scan of a reader that sends characters. The raw value is the word in configuration.
public enum ScanTerminator: String, Sendable, Codable, CaseIterable {
    case cr
    case lf
    /// CR followed by LF. Ends at the CR; the LF is swallowed.
    case crlf
    case tab
    case keypadEnter = "keypad_enter"
    /// The reader sends no terminator: silence for as long as the gap ends a scan.
    case none
}

/// How one reader is set up. The defaults fit a reader fresh from the factory.
public struct ReaderOptions: Sendable, Hashable {
    /// The layout that the reader is programmed for, which is not that of the PC.
    public var layout: KeyboardLayout
    public var terminators: Set<ScanTerminator>
    /// The longest silence inside one scan of a keyboard wedge.
    public var gap: Duration
    /// The longest silence between the reports of one scan that says it continues.
    public var continuationGap: Duration
    /// Whether one trailing CR, LF, CR LF or TAB is cut off readers that send it as data.
    public var stripsSuffix: Bool
    /// What the reader puts in front of every code and what it puts behind it, before the terminator: `02` and `03`, say. Cut off
    /// where it is there. Keyboard wedges and serial ports only.
    public var prefix: [UInt8]
    public var suffix: [UInt8]
    /// Whether the reader types letters for a host whose Caps Lock is on: small ones for capitals.
    public var isCapsLocked: Bool
    /// The NumLock light sent to a keyboard wedge at start. Caps Lock stays off always: readers compensate for it.
    public var numLock: Bool
    /// Keys that stand for a control character; Ctrl with a letter or with `[ \ ] 6 -` needs no entry.
    public var functionKeys: [UInt8: UInt8]
    /// Bytes to send for a signal, of which the first is the report ID where the device has such; empty for none. An empty
    /// table leaves it to the protocol.
    public var signals: [ScanDecoder.Signal: [UInt8]]
    /// Whether a keyboard wedge gives signals with its lights. Some take a change of lights for an order.
    public var flashesLights: Bool
    /// How a serial port is set.
    public var serialLine: SerialLine
    /// What the reader speaks, said by the settings; nil leaves it to the descriptors and the table. Overrides the table, not
    /// the descriptors.
    public var protocolHint: ReaderProtocol?
    /// Characters come as they are, terminator and all, and only silence ends them: for those who find out how a reader is set.
    var isVerbatim = false

    /// - Parameter functionKeys: usage of page 07 to character; by default F8 (41h) is GS.
    public init(
        layout: KeyboardLayout = .us,
        terminators: Set<ScanTerminator> = [.cr, .lf, .crlf, .tab, .keypadEnter],
        gap: Duration = .milliseconds(80),
        continuationGap: Duration = .milliseconds(500),
        stripsSuffix: Bool = true,
        prefix: [UInt8] = [],
        suffix: [UInt8] = [],
        isCapsLocked: Bool = false,
        numLock: Bool = false,
        functionKeys: [UInt8: UInt8] = [0x41: 0x1d],
        signals: [ScanDecoder.Signal: [UInt8]] = [:],
        flashesLights: Bool = false,
        serialLine: SerialLine = SerialLine(),
        protocolHint: ReaderProtocol? = nil
    ) {
        self.layout = layout
        self.terminators = terminators
        self.gap = gap
        self.continuationGap = continuationGap
        self.stripsSuffix = stripsSuffix
        self.prefix = prefix
        self.suffix = suffix
        self.isCapsLocked = isCapsLocked
        self.numLock = numLock
        self.functionKeys = functionKeys
        self.signals = signals
        self.flashesLights = flashesLights
        self.serialLine = serialLine
        self.protocolHint = protocolHint
    }
}
