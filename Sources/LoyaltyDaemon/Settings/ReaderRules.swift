internal import CardReading
internal import KeyboardMaps
internal import LoyaltyModel
internal import ReaderCaptures
internal import USBReaders

/// The reader section of the settings, understood.
struct ReaderRules: Sendable {
    private struct Rule: Sendable {
        var match: DeviceMatch
        var register: String?
        var options: ReaderOptions
    }

    let options: USBReaderOptions
    private let rules: [Rule]
    private let files: [String]
    private let repeats: Bool

    /// - Throws: `usb.match_syntax`, `config.invalid`.
    init(_ readers: DaemonSettings.Readers) throws(LoyaltyError) {
        var rules: [Rule] = []
        for device in readers.devices {
            rules.append(
                Rule(
                    match: try Self.match(device.match, device.place), register: device.register,
                    options: try Self.options(device)))
        }
        let claimed = try Self.matches(readers.claim, readers.place)
        self.rules = rules
        files = readers.files
        repeats = readers.repeats
        options = USBReaderOptions(
            claim: ClaimRules(allow: claimed + rules.map(\.match), deny: try Self.matches(readers.deny, readers.place)),
            claimKeyboards: Self.keyboards(readers.keyboards),
            readers: rules.map { ($0.match, $0.options) })
    }

    /// What plays the files in place of readers.
    ///
    /// - Throws: errors of the capture files, of kind `configuration`.
    func player() throws(LoyaltyError) -> CapturePlayer {
        do {
            var recordings: [(capture: Capture, options: ReaderOptions)] = []
            for (index, file) in files.enumerated() {
                let capture = try Capture(path: file) { try? KeyboardMaps.layout(named: $0) }
                let isNamed = rules.contains { rule in
                    rule.match.matches(
                        vendorID: capture.vendorID, productID: capture.productID,
                        portPath: CapturePlayer.portPath(index))
                }
                let named = options.reader(
                    vendorID: capture.vendorID, productID: capture.productID, portPath: CapturePlayer.portPath(index))
                let reader = isNamed ? named : capture.setup ?? named
                recordings.append((capture, reader))
            }
            return try CapturePlayer(recordings, repeats: repeats)
        } catch {
            throw asConfigurationError(error)
        }
    }

    /// Whether these play the files as the other ones do.
    func playsLike(_ other: ReaderRules) -> Bool {
        files == other.files && repeats == other.repeats
            && rules.map(\.match) == other.rules.map(\.match) && rules.map(\.options) == other.rules.map(\.options)
    }

    func register(of reader: ReaderDescription) -> String? {
        rules.first { rule in
            rule.match.matches(
                vendorID: reader.vendorID, productID: reader.productID, portPath: reader.portPath)
        }?.register
    }

    private static func options(_ device: DaemonSettings.Readers.Device) throws(LoyaltyError) -> ReaderOptions {
        var options = ReaderOptions()
        if let name = device.layout {
            do { options.layout = try KeyboardMaps.layout(named: name) } catch {
                throw LoyaltyError(error.code, error.message, at: device.layoutPlace, remedy: error.remedy)
            }
        }
        if let word = device.terminator {
            guard let terminator = ScanTerminator(rawValue: word) else {
                let words = ScanTerminator.allCases.map(\.rawValue).joined(separator: ", ")
                throw LoyaltyError(
                    .configurationInvalid, "there is no terminator \"\(word)\"", at: device.place,
                    remedy: "Known: \(words)")
            }
            options.terminators = [terminator]
        }
        if let gap = device.gap { options.gap = gap }
        options.prefix = Array((device.prefix ?? "").utf8)
        options.suffix = Array((device.suffix ?? "").utf8)
        options.isCapsLocked = device.capsLock
        options.signals = Dictionary(
            uniqueKeysWithValues: device.signals.map { (ScanDecoder.Signal($0.key), $0.value) })
        options.flashesLights = device.flashesLights
        options.protocolHint = try hint(device)
        options.serialLine = try line(device)
        return options
    }

    private static func hint(_ device: DaemonSettings.Readers.Device) throws(LoyaltyError) -> ReaderProtocol? {
        guard let word = device.protocolName else { return nil }
        guard let hint = ReaderProtocol(rawValue: word), ReaderProtocol.hints.contains(hint) else {
            throw LoyaltyError(
                .configurationInvalid, "there is no protocol \"\(word)\" to choose", at: device.place,
                remedy:
                    "Known: \(ReaderProtocol.hints.map(\.rawValue).joined(separator: ", ")); descriptors tell of others"
            )
        }
        return hint
    }

    private static func line(_ device: DaemonSettings.Readers.Device) throws(LoyaltyError) -> SerialLine {
        let baudRate = device.baudRate ?? SerialLine().baudRate
        guard let line = SerialLine(baudRate: baudRate, framing: device.line ?? "8N1") else {
            throw LoyaltyError(
                .configurationInvalid, "\"\(device.line ?? "")\" is no setting of a serial line", at: device.place,
                remedy: "write data bits 5 to 8, parity N, O, E, M or S, and stop bits 1, 1.5 or 2: \"8N1\"")
        }
        return line
    }

    private static func keyboards(_ word: DaemonSettings.Readers.Keyboards) -> KeyboardClaims {
        switch word {
        case .known: .knownScanners
        case .listed: .allowed
        case .never: .never
        }
    }

    private static func matches(_ texts: [String], _ place: Place) throws(LoyaltyError) -> [DeviceMatch] {
        var matches: [DeviceMatch] = []
        for text in texts { matches.append(try match(text, place)) }
        return matches
    }

    private static func match(_ text: String, _ place: Place) throws(LoyaltyError) -> DeviceMatch {
        do { return try DeviceMatch(text) } catch {
            throw LoyaltyError(error.code, error.message, at: place, remedy: error.remedy)
        }
    }
}

extension ScanDecoder.Signal {
    init(_ signal: TillAnswer.Signal) {
        switch signal {
        case .ok: self = .goodRead
        case .ask: self = .ask
        case .no: self = .error
        }
    }
}
