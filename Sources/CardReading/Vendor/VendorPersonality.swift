extension ReaderProtocol {
    /// Those that the settings may name for a reader whose descriptors leave it open.
    public static let hints: [ReaderProtocol] = [.ibmOEM, .simpleCOM, .snapi]
}

/// The protocols whose descriptors say nothing: chosen by id, or by the settings.
extension ScanDecoder {
    /// - Parameter descriptor: nil where it could not be read; such a reader still works where its id is known.
    static func personality(
        of facts: InterfaceFacts, _ descriptor: ReportDescriptor?, options: ReaderOptions
    ) -> ScanDecoder? {
        let known = KnownReader.find(vendorID: facts.vendorID, productID: facts.productID)
        let declared = descriptor?.longestReportLength(.input) ?? 0
        let length = declared > 0 ? declared : usualReportLength
        let usesReportIDs = descriptor?.usesReportIDs ?? false
        switch options.protocolHint ?? known?.protocolHint {
        case .ibmOEM:
            let decoder = IBMScannerDecoder(reportLength: length, hasReportID: usesReportIDs, options: options)
            return ScanDecoder(.ibmOEM, decoder, inputReportLength: length, setup: IBMScannerDecoder.setup)
        case .snapi:
            return ScanDecoder(.snapi, SNAPIDecoder(options: options), inputReportLength: length, setup: [])
        case .simpleCOM:
            let decoder = LengthDataDecoder(reportLength: length, hasReportID: usesReportIDs, options: options)
            return ScanDecoder(.simpleCOM, decoder, inputReportLength: length, setup: [])
        default: return nil
        }
    }

    /// All dumps of these readers show packets of 64 bytes.
    private static let usualReportLength = 64
}
