import CardReading

/// The text that is written for a learned reader, and what its file is called.
struct LearnedSections {
    let text: String
    /// What `readers.device` matches by; nil where there is no such section.
    let match: String?
    let fileName: String

    init(_ reader: LearnedReader, source: LearnedDevice, match: String?) {
        let known = source.vendorID == 0 && source.productID == 0 ? nil : source.model
        let chosen = match ?? (source.hasTwin ? source.path ?? known : known)
        self.match = chosen
        text = reader.configuration(match: chosen, name: source.name)
        let plain = (chosen ?? source.name).lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        fileName = String(plain.prefix(40))
    }
}
