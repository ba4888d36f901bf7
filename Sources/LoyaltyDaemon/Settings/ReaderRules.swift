internal import CardReading
internal import LoyaltyModel
internal import USBReaders

/// The reader section of the settings, understood.
struct ReaderRules: Sendable {
    private struct Rule: Sendable {
        var match: DeviceMatch
        var register: String?
    }

    let options: USBReaderOptions
    private let rules: [Rule]

    /// - Throws: `usb.match_syntax`, `config.invalid`.
    init(_ readers: DaemonSettings.Readers) throws(LoyaltyError) {
        var allow: [DeviceMatch] = []
        for text in readers.claim { allow.append(try DeviceMatch(text)) }
        var rules: [Rule] = []
        var options = ReaderOptions()
        for device in readers.devices {
            let match = try Self.match(device)
            allow.append(match)
            rules.append(Rule(match: match, register: device.register))
            if let name = device.layout {
                guard let layout = KeyboardLayout(named: name) else {
                    let names = KeyboardLayout.all.map(\.name).joined(separator: ", ")
                    throw LoyaltyError(
                        .configurationInvalid, "there is no layout \"\(name)\"", at: device.place,
                        remedy: "Known: \(names)")
                }
                options.layout = layout
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
        }
        self.rules = rules
        self.options = USBReaderOptions(claim: ClaimRules(allow: allow), reader: options)
    }

    func register(of reader: ReaderDescription) -> String? {
        rules.first { rule in
            rule.match.matches(
                vendorID: reader.vendorID, productID: reader.productID, portPath: reader.portPath)
        }?.register
    }

    private static func match(_ device: DaemonSettings.Readers.Device) throws(LoyaltyError) -> DeviceMatch {
        do { return try DeviceMatch(device.match) } catch {
            throw LoyaltyError(error.code, error.message, at: device.place, remedy: error.remedy)
        }
    }
}
