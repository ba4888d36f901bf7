public import CardReading
public import LoyaltyModel

extension Capture {
    /// What was presented to the reader, in order: each case, cut at its silences.
    ///
    /// - Parameter options: the layout that typed texts are typed on.
    /// - Throws: `capture.no_decoder`, `capture.syntax`, the latter also for a file that holds no reports.
    public func presentations(options: ReaderOptions = .init()) throws(LoyaltyError) -> [Presentation] {
        let decoder = CaptureDecoder(self, options: options)
        var presentations: [Presentation] = []
        for sample in cases {
            let facts: InterfaceFacts
            switch sample.payload {
            case .reports: facts = try decoder.facts()
            case .typing: facts = typedFacts(try? decoder.facts())
            case .text, .nothing: continue
            }
            let reports = try decoder.timeline(sample).map { Presentation.Report(at: $0.at, bytes: $0.report) }
            let kind = try decoder.decoder(for: sample.payload)?.kind
            presentations += Presentation.split(
                reports, facts: facts, hasRealDigits: hasRealDigits, protocolHint: kind)
        }
        guard !presentations.isEmpty else {
            throw LoyaltyError(
                .captureSyntax, "the capture holds no reports", at: Place(file: name),
                remedy: "Record the reader itself: decoded text does not tell how it is set up")
        }
        return presentations
    }

    /// The boot keyboard with the ids of the file, whose descriptor may be that of another interface.
    private func typedFacts(_ facts: InterfaceFacts?) -> InterfaceFacts {
        let usual = InterfaceFacts.usual(for: .keyboard)
        return InterfaceFacts(
            vendorID: facts?.vendorID ?? vendorID, productID: facts?.productID ?? productID,
            interfaceNumber: usual.interfaceNumber, interfaceClass: usual.interfaceClass,
            interfaceSubclass: usual.interfaceSubclass, interfaceProtocol: usual.interfaceProtocol,
            reportDescriptor: usual.reportDescriptor)
    }
}
