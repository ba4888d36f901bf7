/// How a reader is told to beep and to light up: by the usages of its descriptor, by the command of its vendor, or as the
/// settings say. Pure.
///
/// `good` is one beep, `ask` is two or one of another kind, `error` another tone or three. A protocol for which nobody has
/// published a command stays silent rather than get a guess: another byte may reset or reprogram it.
struct SignalEncoder {
    typealias Signal = ScanDecoder.Signal

    let kind: ReaderProtocol
    let facts: InterfaceFacts
    /// nil for a serial port, and where it could not be read.
    let descriptor: ReportDescriptor?
    let options: ReaderOptions

    /// Long enough to hear two beeps and not one.
    static let betweenBeeps = Duration.milliseconds(250)
    static let flash = Duration.milliseconds(150)
    static let glow = Duration.milliseconds(600)
    /// SYN BEL CR, which beeps once (python_hon_usbhid, as serial command and inside report FD).
    private static let honeywellBeep: [UInt8] = [0x16, 0x07, 0x0d]

    /// nil for a signal that cannot be given.
    func plans() -> [Signal: SignalPlan] {
        if !options.signals.isEmpty { return configured() }
        var plans = beeps()
        let lights = kind == .keyboard ? keyboardLights() : indicators()
        for (signal, plan) in lights { plans[signal] = SignalPlan((plans[signal]?.steps ?? []) + plan.steps) }
        return plans
    }

    private static func times(_ signal: Signal) -> Int {
        switch signal {
        case .goodRead: 1
        case .ask: 2
        case .error: 3
        }
    }

    private func counted(_ request: SetupRequest) -> [Signal: SignalPlan] {
        Dictionary(
            uniqueKeysWithValues: Signal.allCases.map {
                ($0, .repeating(request, Self.times($0), every: Self.betweenBeeps))
            })
    }

    // MARK: Settings

    /// What the settings say; a signal that they leave out is the good one so many times.
    private func configured() -> [Signal: SignalPlan] {
        var plans: [Signal: SignalPlan] = [:]
        for signal in Signal.allCases {
            if let bytes = options.signals[signal] {
                if !bytes.isEmpty { plans[signal] = SignalPlan([.init(after: .zero, output(bytes))]) }
            } else if let bytes = options.signals[.goodRead], !bytes.isEmpty {
                plans[signal] = .repeating(output(bytes), Self.times(signal), every: Self.betweenBeeps)
            }
        }
        return plans
    }

    /// As the reader's manual prints it: the report ID in front where the device has them.
    private func output(_ bytes: [UInt8]) -> SetupRequest {
        let usesReportIDs = kind == .snapi || descriptor?.usesReportIDs ?? false
        guard usesReportIDs, let id = bytes.first else { return .output(reportID: 0, bytes) }
        return .output(reportID: id, Array(bytes.dropFirst()))
    }

    // MARK: Beeps

    private func beeps() -> [Signal: SignalPlan] {
        if kind == .snapi { return snapiBeeps() }
        if kind == .serial {
            guard KnownReader.quirks(vendorID: facts.vendorID).contains(.takesCommands) else { return [:] }
            return counted(.output(reportID: 0, Self.honeywellBeep))
        }
        let good = bits([Usage(page: 0x8c, id: 0x86)])
        let error = bits([Usage(page: 0x8c, id: 0x85)])
        let notOnFile = bits([Usage(page: 0x8c, id: 0x87)])
        guard good != nil || error != nil || notOnFile != nil else { return honeywellCommand().map(counted) ?? [:] }
        var plans = good.map(counted) ?? [:]
        if let error { plans[.error] = SignalPlan([.init(after: .zero, error)]) }
        if let notOnFile { plans[.ask] = SignalPlan([.init(after: .zero, notOnFile)]) }
        return plans
    }

    /// The vendor's command report: a length, and the bytes of a serial command (page FF66, usages 21 and 22).
    private func honeywellCommand() -> SetupRequest? {
        guard
            let field = descriptor?.fields.first(where: {
                $0.kind == .output && $0.size == 8 && $0.index(of: Usage(page: 0xff66, id: 0x21)) == 0
            }), let descriptor
        else { return nil }
        let length = descriptor.reportLength(.output, reportID: field.reportID) - (field.reportID == 0 ? 0 : 1)
        let command = [UInt8(Self.honeywellBeep.count)] + Self.honeywellBeep
        guard length >= command.count else { return nil }
        return .output(
            reportID: field.reportID, command + [UInt8](repeating: 0, count: length - command.count))
    }

    /// Report 04 with a tone as Zebra's SSI numbers them: one short high, two short high, one long low. There is no public
    /// specification (Elemecca/go-zebra-scanner names the report, not the tones).
    private func snapiBeeps() -> [Signal: SignalPlan] {
        let beep: UInt8 = 0x04
        let declared = descriptor?.reportLength(.output, reportID: beep)
        // A scanner whose descriptor declares reports, but not this one, would stall it.
        guard declared != 0 else { return [:] }
        let padding = [UInt8](repeating: 0, count: max((declared ?? 2) - 2, 0))
        let tones: [Signal: UInt8] = [.goodRead: 0x00, .ask: 0x01, .error: 0x0f]
        return tones.mapValues { SignalPlan([.init(after: .zero, .output(reportID: beep, [$0] + padding))]) }
    }

    // MARK: Lights

    private enum Light {
        static let numLock = Usage(page: 0x08, id: 0x01)
        static let scrollLock = Usage(page: 0x08, id: 0x03)
        static let red = Usage(page: 0x08, id: 0x48)
        static let green = Usage(page: 0x08, id: 0x49)
        static let amber = Usage(page: 0x08, id: 0x4a)
        static let generic = Usage(page: 0x08, id: 0x4b)
    }

    /// Indicators (HID Usage Tables 1.12, page 08): green, amber and red, or as many flashes of the one there is.
    private func indicators() -> [Signal: SignalPlan] {
        let red = bits([Light.red])
        if let green = bits([Light.green]), let red, let amber = bits([Light.amber]) ?? bits([Light.red, Light.green]) {
            let off = dark(green)
            return [.goodRead: green, .ask: amber, .error: red].mapValues {
                SignalPlan([.init(after: .zero, $0), .init(after: Self.glow, off, restores: true)])
            }
        }
        guard let only = bits([Light.generic]) ?? bits([Light.green]) ?? bits([Light.amber]) ?? red else { return [:] }
        return flashes(only, off: dark(only))
    }

    /// Scroll Lock, which changes no key, else NumLock. Never Caps Lock: readers compensate for it, and would type other letters
    /// (MagTek 99875206).
    private func keyboardLights() -> [Signal: SignalPlan] {
        guard options.flashesLights else { return [:] }
        let kept = options.numLock ? [Light.numLock] : []
        if let on = bits([Light.scrollLock] + kept), bits([Light.scrollLock]) != nil {
            return flashes(on, off: bits(kept) ?? dark(on))
        }
        guard let on = bits([Light.numLock]) else { return [:] }
        let off = dark(on)
        return options.numLock ? flashes(off, off: on) : flashes(on, off: off)
    }

    private func flashes(_ on: SetupRequest, off: SetupRequest) -> [Signal: SignalPlan] {
        Dictionary(
            uniqueKeysWithValues: Signal.allCases.map { signal in
                let steps = (0..<Self.times(signal)).flatMap { index in
                    let start = Self.flash * (2 * index)
                    return [
                        SignalPlan.Step(after: start, on), .init(after: start + Self.flash, off, restores: true),
                    ]
                }
                return (signal, SignalPlan(steps))
            })
    }

    private func dark(_ request: SetupRequest) -> SetupRequest {
        guard case .output(let id, let bytes) = request else { return request }
        return .output(reportID: id, [UInt8](repeating: 0, count: bytes.count))
    }

    /// The output report with the bits of these usages set, which stand in a different place on each device. nil where the
    /// device lacks one of them, or has them in several reports.
    private func bits(_ usages: [Usage]) -> SetupRequest? {
        guard let descriptor, !usages.isEmpty else { return nil }
        var report: (id: UInt8, bytes: [UInt8])?
        for usage in usages {
            guard
                let field = descriptor.fields.first(where: {
                    $0.kind == .output && $0.size == 1 && !$0.isArray && !$0.isConstant && $0.index(of: usage) != nil
                }), let index = field.index(of: usage)
            else { return nil }
            let skipped = field.reportID == 0 ? 0 : 1
            let length = descriptor.reportLength(.output, reportID: field.reportID) - skipped
            var bytes = report?.bytes ?? [UInt8](repeating: 0, count: max(length, 0))
            let bit = field.bitOffset - 8 * skipped + index
            guard report == nil || report?.id == field.reportID, bytes.indices.contains(bit / 8) else { return nil }
            bytes[bit / 8] |= 1 << UInt8(bit % 8)
            report = (field.reportID, bytes)
        }
        return report.map { .output(reportID: $0.id, $0.bytes) }
    }
}
