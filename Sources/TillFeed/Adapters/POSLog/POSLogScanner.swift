import CExpat
import DataFormats
import LoyaltyModel

/// Takes the `Transaction` elements out of a stream of XML documents, keeping only what the vocabulary allows.
///
/// Documents may follow one another; the root may be a `POSLog`, a `Transaction` itself or an envelope around them. A document type
/// declaration is refused, and with it every entity but the five of XML; depth, attributes, texts and transactions are bounded.
///
/// Documents may be UTF-8, UTF-16 or in any of `TextEncoding` that they declare. One that is written in bytes and declares UTF-16,
/// as programs that print XML into a string leave it, is taken for UTF-8.
final class POSLogScanner {
    struct Found {
        var place: Place
        var result: Result<XMLElement, LoyaltyError>
        /// Of what was kept of a transaction that is refused; nil for what is wrong outside of any.
        var content: Int?
        /// What of a transaction was read that is refused.
        var partial: XMLElement?
        /// It is whole, and no POSLog.
        var isForeign = false
    }

    static let maximumDepth = 64
    static let maximumAttributes = 64
    /// Bytes of one text that is kept.
    static let maximumText = 4096
    /// Bytes of one transaction. The largest that is known has 241 kB.
    static let maximumTransaction = 1 << 20
    /// Bytes of one tag, comment or the like.
    static let maximumToken = 1 << 18
    private static let piece = 1 << 14
    /// Expat tells the encoding from these bytes at the latest, and differently from fewer. No document is shorter.
    private static let opening = 4
    private static let declaration = Array("<?xml".utf8)
    /// Bytes of a tag that are looked at behind an error.
    private static let maximumTag = 256

    private var parser: XML_Parser?
    /// The beginning of a document until there is enough of it.
    private var opening: [UInt8] = []
    /// The document is UTF-16: half of the bytes behind it are zero.
    private var isWide = false
    private var isBigEndian = false
    /// The first characters of the document, until its first tag has a name; nil behind that.
    private var head: [UInt8]?
    private var hasDeclaration = false
    /// How the document begins where it has no declaration, such as `<POSLog`.
    private var rootTag: [UInt8]?
    /// The same of the latest that was whole.
    private var lastRootTag: [UInt8]?
    /// Lines and bytes in front of the document that is being read.
    private var lineBase = 0
    /// Bytes of the document that Expat has taken.
    private var document = 0
    /// Bytes of them that it has read.
    private var position = 0
    /// The others, such as half a tag: if the document is wrong there, the next one may begin in them.
    private var pending: [UInt8] = []
    private var state = State.betweenDocuments
    /// What has come of a tag behind an error, without the zeros of UTF-16; empty between tags.
    private var tag: [UInt8] = []
    /// The same with its zeros.
    private var rawTag: [UInt8] = []
    /// The three bytes in front of the tag, and those in front of the next byte.
    private var beforeTag: UInt32 = 0
    private var latest: UInt32 = 0
    /// The root of the broken document is still to come.
    private var isBeforeRoot = false
    /// The name of the document's root, without prefix.
    private var rootName: String?
    /// It has a `POSLog` or a `Transaction` in it.
    private var isPOSLog = false
    /// Behind an error: the broken document goes on.
    private var isInRoot = false
    /// Transactions behind a broken document.
    private var lost = 0
    private var lostPlace = Place()
    private var found: [Found] = []

    private enum State { case betweenDocuments, inDocument, skippingBroken }

    /// Open elements that are kept; the first is the transaction.
    private var open: [XMLElement] = []
    private var depth = 0
    /// Inside of an element that is not on the list: the depth of that element.
    private var skippedFrom: Int?
    private var transactionStart = 0
    private var transactionPlace = Place()
    private var transactionDepth = 0
    /// Why the open transaction is refused, although it is XML so far; the one behind it is read.
    private var refusal: LoyaltyError?
    /// The namespace of the open transaction.
    private var standard = ""
    private var failure: LoyaltyError?
    private var rootEnd: Int?

    init() {}

    deinit { if let parser { XML_ParserFree(parser) } }

    /// Takes the next bytes and gives every transaction that they complete.
    func append(_ bytes: [UInt8]) -> [Found] {
        take(bytes[...])
        defer { found = [] }
        return found
    }

    /// The end of the stream: a document that is open is a problem.
    func finish() -> [Found] {
        if !opening.isEmpty {
            var rest = opening[...]
            beginDocument(&rest)
            take(rest)
        }
        if state == .inDocument { fail(LoyaltyError(.adapterSyntax, "the document is not complete", at: here)) }
        if state == .skippingBroken { reportLost() }
        defer { found = [] }
        return found
    }

    private func reportLost() {
        guard lost > 0 else { return }
        let error = LoyaltyError(
            .adapterSyntax, "\(lost) more transactions behind this error were not read", at: lostPlace,
            remedy: "Begin each document with an XML declaration")
        found.append(Found(place: lostPlace, result: .failure(error)))
        lost = 0
    }

    private var here: Place {
        guard let parser else { return Place(line: lineBase + 1, column: 1) }
        return Place(
            line: lineBase + Int(clamping: XML_GetCurrentLineNumber(parser)),
            column: Int(clamping: XML_GetCurrentColumnNumber(parser)) + 1)
    }

    // MARK: Documents

    private func take(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            switch state {
            case .betweenDocuments: begin(&rest)
            case .inDocument: parse(&rest)
            case .skippingBroken: resynchronise(&rest)
            }
        }
    }

    private func begin(_ rest: inout ArraySlice<UInt8>) {
        while opening.isEmpty, let byte = rest.first, isBlank(byte) {
            if byte == 0x0a { lineBase += 1 }
            rest = rest.dropFirst()
        }
        // Its first half is zero and passed for a blank.
        if isWide, isBigEndian, opening.isEmpty, rest.first == UInt8(ascii: "<") { opening = [0] }
        let count = min(Self.opening - opening.count, rest.count)
        opening += rest.prefix(count)
        rest = rest.dropFirst(count)
        guard opening.count == Self.opening else { return }
        rest = opening + rest
        beginDocument(&rest)
    }

    private func isBlank(_ byte: UInt8) -> Bool {
        byte.isXMLBlank || isWide && byte == 0
    }

    /// Starts the document with this opening; a byte order mark of UTF-8 in front of it goes.
    private func beginDocument(_ rest: inout ArraySlice<UInt8>) {
        isWide = opening.contains(0)
        isBigEndian = opening.first == 0 || opening.first == 0xfe
        opening = []
        let text = rest.withoutByteOrderMark()
        let hasMark = text.count < rest.count
        rest = text
        start(encoding: hasMark ? "UTF-8" : nil)
    }

    /// - Parameter encoding: counts whatever the document declares.
    private func start(encoding: String? = nil) {
        if let parser { XML_ParserFree(parser) }
        parser = XML_ParserCreateNS(encoding, XML_Char(0x0a))
        document = 0
        position = 0
        pending = []
        depth = 0
        open = []
        skippedFrom = nil
        failure = nil
        rootEnd = nil
        head = []
        rootTag = nil
        hasDeclaration = false
        rootName = nil
        isPOSLog = false
        state = .inDocument
        guard let parser else { return }
        XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(
            parser,
            { data, name, attributes in POSLogScanner.from(data)?.started(name, attributes) },
            { data, _ in POSLogScanner.from(data)?.ended() })
        XML_SetCharacterDataHandler(parser) { data, text, length in
            POSLogScanner.from(data)?.read(text, Int(length))
        }
        XML_SetXmlDeclHandler(parser) { data, _, _, _ in POSLogScanner.from(data)?.hasDeclaration = true }
        XML_SetStartDoctypeDeclHandler(parser) { data, name, _, _, _ in POSLogScanner.from(data)?.refuseType(name) }
        XML_SetUnknownEncodingHandler(
            parser, { _, name, encoding in POSLogScanner.describe(name, encoding) ? 1 : 0 }, nil)
    }

    /// Tells Expat the characters of a code page. - Returns: whether there is one of this name.
    private static func describe(
        _ name: UnsafePointer<XML_Char>?, _ encoding: UnsafeMutablePointer<XML_Encoding>?
    ) -> Bool {
        guard let name, let encoding, let page = TextEncoding(named: String(cString: name)), page != .utf8 else {
            return false
        }
        withUnsafeMutableBytes(of: &encoding.pointee.map) { bytes in
            let map = bytes.bindMemory(to: CInt.self)
            for byte in UInt8.min...UInt8.max { map[Int(byte)] = page.scalar(byte).map { CInt($0.value) } ?? -1 }
        }
        encoding.pointee.data = nil
        encoding.pointee.convert = nil
        encoding.pointee.release = nil
        return true
    }

    private static func from(_ data: UnsafeMutableRawPointer?) -> POSLogScanner? {
        data.map { Unmanaged<POSLogScanner>.fromOpaque($0).takeUnretainedValue() }
    }

    private func parse(_ rest: inout ArraySlice<UInt8>) {
        guard let parser else { return rest = [] }
        let piece = rest.prefix(Self.piece)
        noteHead(piece)
        let status = piece.withUnsafeBytes { bytes in
            XML_Parse(parser, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(piece.count), 0)
        }
        // Expat has forgotten where it is when it only puts bytes aside.
        position = max(position, Int(clamping: XML_GetCurrentByteIndex(parser)))
        if let rootEnd {
            // Behind the root another document may follow.
            lineBase += Int(clamping: XML_GetCurrentLineNumber(parser)) - 1
            rest = unread(from: rootEnd, piece.count, rest)
            state = .betweenDocuments
            lastRootTag = hasDeclaration ? nil : rootTag
            return
        }
        var problem = failure
        if problem == nil, status == XML_STATUS_ERROR {
            if !isWide, XML_GetErrorCode(parser) == XML_ERROR_INCORRECT_ENCODING, pending.count == document {
                rest = pending + rest
                return start(encoding: "UTF-8")
            }
            let text = XML_ErrorString(XML_GetErrorCode(parser)).map { String(cString: $0) } ?? "not well-formed"
            problem = LoyaltyError(.adapterSyntax, "this is not XML: \(text)", at: here)
        } else if problem == nil, document + piece.count - position > Self.maximumToken {
            problem = LoyaltyError(
                .adapterTooLarge, "a tag or comment has more than \(Self.maximumToken) bytes", at: here)
        }
        guard let problem else {
            document += piece.count
            pending += piece
            pending.removeFirst(max(pending.count - max(document - position, 0), 0))
            rest = rest.dropFirst(piece.count)
            return
        }
        // The declaration of the next document may be what is wrong here; this one's own is not looked at again.
        rest = unread(from: max(position, isWide ? 2 : 1), piece.count, rest)
        fail(problem)
    }

    /// What stands at a byte of the document and behind it, up to the end of the bytes that came.
    private func unread(from index: Int, _ pieceLength: Int, _ rest: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        index < document ? pending.suffix(document - index) + rest : rest.dropFirst(min(index - document, pieceLength))
    }

    /// How the document begins: with a declaration, or with an element that the next one begins with as well.
    private func noteHead(_ bytes: ArraySlice<UInt8>) {
        guard var name = head else { return }
        for byte in bytes where byte != 0 && !(name.isEmpty && byte >= 0x80) {
            if name.isEmpty, byte != UInt8(ascii: "<") { return head = nil }
            if name.count == 1, byte == UInt8(ascii: "?") || byte == UInt8(ascii: "!") { return head = nil }
            if byte.endsXMLName {
                rootTag = name
                return head = nil
            }
            name.append(byte)
            guard name.count < Self.maximumTag else { return head = nil }
        }
        head = name
    }

    private func refuseType(_ name: UnsafePointer<XML_Char>?) {
        if let name {
            let name = String(cString: name)
            rootName = Self.withoutPrefix(name[...])
            if !hasDeclaration { (rootTag, isBeforeRoot) = (Array("<\(name)".utf8), true) }
        }
        stop(
            LoyaltyError(
                .adapterSyntax, "a document type declaration is not allowed",
                remedy: "Entities other than the five of XML are never read"))
    }

    /// Ends a broken document.
    private func fail(_ error: LoyaltyError) {
        let place = open.isEmpty ? error.place ?? here : transactionPlace
        // A text that has not ended may be a part of a number, and how much of it came hangs on how the stream was cut.
        for index in open.indices { open[index].text = "" }
        var partial = open.popLast()
        while var parent = open.popLast() {
            if let child = partial { parent.children.append(child) }
            partial = parent
        }
        found.append(
            Found(
                place: place, result: .failure(refusal ?? error), content: partial?.content,
                partial: partial))
        lineBase = (error.place?.line ?? 1) - 1
        state = .skippingBroken
        // How much of a root came that could not be read hangs on how the stream was cut.
        if rootName == nil { rootTag = lastRootTag }
        tag = []
        latest = 0
        isInRoot = rootName != nil
        lost = 0
        lostPlace = error.place ?? place
        refusal = nil
    }

    /// Looks for the next document: at an XML declaration, or where documents have none, at an element such as they begin with.
    private func resynchronise(_ rest: inout ArraySlice<UInt8>) {
        for index in rest.indices {
            let byte = rest[index]
            if byte == 0x0a { lineBase += 1 }
            if byte == UInt8(ascii: "<") {
                tag = [byte]
                rawTag = tag
                beforeTag = latest
            } else if !tag.isEmpty, tag.count < Self.maximumTag, rawTag.count < 2 * Self.maximumTag {
                rawTag.append(byte)
                if byte != 0 { tag.append(byte) }
            }
            latest = (latest << 8 | UInt32(byte)) & 0xff_ffff
            if byte != 0, beginsDocument() {
                if isBeforeRoot { isBeforeRoot = false } else { return restart(&rest, at: index) }
            }
            if byte == UInt8(ascii: ">") {
                countEnd()
                tag = []
            }
        }
        rest = []
    }

    private func beginsDocument() -> Bool {
        // Without zeros, or with one behind each character but the last.
        let isPaired =
            rawTag.count == 2 * tag.count - 1 && stride(from: 1, to: rawTag.count, by: 2).allSatisfy { rawTag[$0] == 0 }
        guard rawTag.count == tag.count || isPaired else { return false }
        if tag == Self.declaration {
            isBeforeRoot = false
            return true
        }
        if let rootTag {
            return tag.count == rootTag.count + 1 && tag.starts(with: rootTag) && tag[rootTag.count].endsXMLName
        }
        // A comment or junk stood in front of the root.
        guard !hasDeclaration, tag.count > 2, tag[tag.count - 1].endsXMLName, tag[1] != UInt8(ascii: "/") else {
            return false
        }
        let name = Self.withoutPrefix(String(decoding: tag[1..<(tag.count - 1)], as: UTF8.self)[...])
        if let rootName { return name == rootName }
        return name == POSLogVocabulary.root || POSLogVocabulary.documents.contains(name)
    }

    private func countEnd() {
        guard tag.starts(with: "</".utf8) else { return }
        let name = Self.withoutPrefix(
            String(decoding: tag.dropFirst(2).dropLast(), as: UTF8.self).trimmingBlanks()[...])
        if isInRoot {
            isInRoot = name != rootName
        } else if POSLogVocabulary.documents.contains(name) {
            lost += 1
        }
    }

    private static func withoutPrefix(_ name: Substring) -> String {
        String(name.utf8.lastIndex(of: UInt8(ascii: ":")).map { name[name.utf8.index(after: $0)...] } ?? name)
    }

    /// Starts the document whose first tag has come up to this byte.
    private func restart(_ rest: inout ArraySlice<UInt8>, at index: Int) {
        let wasBigEndian = isWide && isBigEndian
        isWide = rawTag.count > tag.count
        isBigEndian = beforeTag == 0xfe_ff00 || (wasBigEndian && beforeTag & 0xff == 0)
        let bytes: [UInt8] = isWide && isBigEndian ? [0] + rawTag : rawTag
        // Where the root was never read, the broken document's own transaction was counted.
        if rootName != nil { reportLost() }
        let isWhole = index - rest.startIndex >= bytes.count - 1
        rest = isWhole ? rest[(index - bytes.count + 1)...] : bytes + rest[(index + 1)...]
        start(encoding: !isWide ? nil : isBigEndian ? "UTF-16BE" : "UTF-16LE")
    }

    // MARK: Elements

    /// The transaction is refused alone; in front of any, the document.
    private func refuse(_ error: LoyaltyError) {
        guard !open.isEmpty else { return stop(error) }
        if refusal == nil { refusal = LoyaltyError(error.code, error.message, at: here, remedy: error.remedy) }
    }

    private func stop(_ error: LoyaltyError) {
        guard failure == nil, let parser else { return }
        failure = LoyaltyError(error.code, error.message, at: here, remedy: error.remedy)
        XML_StopParser(parser, 0)
    }

    private func started(
        _ name: UnsafePointer<XML_Char>?, _ attributes: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
    ) {
        depth += 1
        guard failure == nil, let parser, let name else { return }
        guard depth <= Self.maximumDepth else {
            return stop(LoyaltyError(.adapterTooLarge, "elements nest deeper than \(Self.maximumDepth)"))
        }
        guard XML_GetSpecifiedAttributeCount(parser) <= Self.maximumAttributes * 2 else {
            refuse(LoyaltyError(.adapterTooLarge, "an element has more than \(Self.maximumAttributes) attributes"))
            if skippedFrom == nil { skippedFrom = depth }
            return
        }
        let (space, local) = Self.parts(String(cString: name))
        if depth == 1 { rootName = local }
        if open.isEmpty {
            if local == POSLogVocabulary.root { isPOSLog = true }
            if POSLogVocabulary.documents.contains(local) { beginTransaction(space, local, attributes) }
            return
        }
        guard skippedFrom == nil else { return }
        if Int(clamping: XML_GetCurrentByteIndex(parser)) - transactionStart > Self.maximumTransaction {
            refusal =
                refusal
                ?? LoyaltyError(
                    .adapterTooLarge, "the transaction has more than \(Self.maximumTransaction) bytes",
                    at: transactionPlace)
        }
        let isKnown =
            POSLogVocabulary.allows(local, in: open[open.count - 1].name)
            && (space == standard || Self.isStandard(space) || POSLogVocabulary.vendorElements.contains(local))
        guard isKnown, refusal == nil else {
            skippedFrom = depth
            return
        }
        open.append(element(local, attributes))
    }

    private func beginTransaction(
        _ space: String, _ local: String, _ attributes: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
    ) {
        isPOSLog = true
        standard = space
        transactionStart = parser.map { Int(clamping: XML_GetCurrentByteIndex($0)) } ?? 0
        transactionPlace = here
        transactionDepth = depth
        refusal = nil
        skippedFrom = nil
        open = [element(local, attributes)]
    }

    private func element(
        _ local: String, _ attributes: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
    ) -> XMLElement {
        var element = XMLElement(name: local, place: here)
        guard var next = attributes else { return element }
        while let name = next.pointee, let value = (next + 1).pointee {
            let (_, key) = Self.parts(String(cString: name))
            let isAllowed =
                key == "Name" ? POSLogVocabulary.named.contains(local) : POSLogVocabulary.attributes.contains(key)
            if isAllowed {
                let text = String(cString: value)
                if text.utf8.count <= Self.maximumText { element.attributes[key] = text }
            }
            next += 2
        }
        return element
    }

    private func read(_ text: UnsafePointer<XML_Char>?, _ length: Int) {
        guard failure == nil, refusal == nil, skippedFrom == nil, !open.isEmpty, let text else { return }
        let last = open.count - 1
        // Between the children of an element there is only what indents them, and that may be of any length.
        guard !POSLogVocabulary.hasChildren(open[last].name) else { return }
        var bytes = UnsafeRawBufferPointer(start: text, count: length)[...]
        if open[last].text.isEmpty { bytes = bytes.drop(while: \.isXMLBlank) }
        let kept = bytes.prefix(Self.maximumText - open[last].text.utf8.count)
        guard bytes.dropFirst(kept.count).allSatisfy(\.isXMLBlank) else {
            return refuse(LoyaltyError(.adapterTooLarge, "a text has more than \(Self.maximumText) bytes"))
        }
        open[last].text += String(decoding: kept, as: UTF8.self)
    }

    private func ended() {
        defer { depth -= 1 }
        guard failure == nil, let parser else { return }
        if depth == 1 {
            rootEnd = Int(clamping: XML_GetCurrentByteIndex(parser)) + Int(XML_GetCurrentByteCount(parser))
        }
        if let from = skippedFrom {
            if depth == from { skippedFrom = nil }
        } else if let last = open.popLast() {
            close(last)
        }
        guard rootEnd != nil else { return }
        // A till may have an export with nothing in it, but no other document is silently gone.
        if !isPOSLog, let rootName {
            let error = LoyaltyError(
                .adapterMissing, "<\(rootName.prefix(64))> holds no Transaction", at: here,
                remedy: "This is no POSLog; check what the till writes, and the format that is set for it")
            found.append(Found(place: here, result: .failure(error), isForeign: true))
        }
        XML_StopParser(parser, 0)
    }

    private func close(_ element: XMLElement) {
        var element = element
        element.text = element.text.trimmingBlanks()
        if !open.isEmpty {
            open[open.count - 1].children.append(element)
        } else if let refusal {
            found.append(
                Found(place: transactionPlace, result: .failure(refusal), content: element.content, partial: element))
            self.refusal = nil
        } else {
            found.append(Found(place: transactionPlace, result: .success(element)))
        }
    }

    /// Names come as `namespace LF local`.
    private static func parts(_ name: String) -> (space: String, local: String) {
        guard let separator = name.utf8.lastIndex(of: 0x0a) else { return ("", name) }
        return (String(name[..<separator]), String(name[name.utf8.index(after: separator)...]))
    }

    /// The namespaces of IXRetail: one without version up to 6.0.1, and one for each version.
    private static func isStandard(_ space: String) -> Bool { space.lowercased().contains("/ixretail/") }
}

extension UInt8 {
    fileprivate var endsXMLName: Bool { isXMLBlank || self == UInt8(ascii: ">") || self == UInt8(ascii: "/") }
    /// White space of XML.
    fileprivate var isXMLBlank: Bool { self == 0x20 || self == 0x0a || self == 0x09 || self == 0x0d }
}

extension String {
    func trimmingBlanks() -> String {
        guard let first = utf8.firstIndex(where: { !$0.isXMLBlank }),
            let last = utf8.lastIndex(where: { !$0.isXMLBlank })
        else { return "" }
        return String(self[first..<utf8.index(after: last)])
    }
}
