import LoyaltyModel

/// POSLog documents out of a stream, framed by their root elements.
struct POSLogReader: TillDocumentReader {
    private let scanner = POSLogScanner()
    private let conversion: NativeConversion

    init(_ conversion: NativeConversion) { self.conversion = conversion }

    mutating func append(_ bytes: [UInt8]) -> [ConvertedDocument] { scanner.append(bytes).map(document) }

    mutating func finish() -> [ConvertedDocument] { scanner.finish().map(document) }

    private func document(_ found: POSLogScanner.Found) -> ConvertedDocument {
        switch found.result {
        case .success(let element):
            POSLogDocument(transaction: element, settings: conversion.settings).converted(conversion).of(
                element.content)
        case .failure(let error):
            conversion.problem(
                error, at: found.place,
                of: found.partial.map {
                    POSLogDocument(transaction: $0, settings: conversion.settings).subject(isWhole: false)
                } ?? (found.isForeign ? .noSale : DocumentSubject())
            ).of(found.content)
        }
    }
}
