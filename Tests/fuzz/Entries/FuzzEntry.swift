/// One parser of bytes from outside, with what must hold whatever the bytes are.
///
/// The same function runs under libFuzzer (`make fuzz`) and over the kept corpus in the ordinary tests.
public struct FuzzEntry: Sendable {
    /// The word for `TARGET=` and the folder of the corpus.
    public let name: String
    /// The longest input that is worth trying, in bytes.
    public let maximumLength: Int
    /// Throws where the parser breaks one of its promises. Traps and hangs are for whoever calls it to see.
    public let run: @Sendable (_ input: [UInt8]) throws(BrokenPromise) -> Void

    init(
        _ name: String, maximumLength: Int = 2048,
        _ run: @escaping @Sendable (_ input: [UInt8]) throws(BrokenPromise) -> Void
    ) {
        self.name = name
        self.maximumLength = maximumLength
        self.run = run
    }

    public static let all: [FuzzEntry] = readers + content + documents

    /// Bytes that a device on the USB sends.
    static let readers: [FuzzEntry] = [
        hidDescriptor, keyboard, keyboardTyping, hidPOS, hidMSR, magTek, idTech, idTechTyped, ibmOEM, snapi, simpleCOM,
        serial, assembler,
    ]

    /// What a card or code holds, once it is characters.
    static let content: [FuzzEntry] = [barcodeText, stripeText, gs1, classifier, paymentScreen]

    /// Files, lines and documents of other programs.
    static let documents: [FuzzEntry] = [
        capture, json, csv, toml, program, tillLine, memberRow, lineFramer, poslog, square, shopify, odoo, csvSales,
    ]
}

/// What a parser promised and did not keep, in words.
public struct BrokenPromise: Error, CustomStringConvertible {
    public let description: String
}

func expect(_ holds: Bool, _ promise: @autoclosure () -> String) throws(BrokenPromise) {
    guard holds else { throw BrokenPromise(description: promise()) }
}
