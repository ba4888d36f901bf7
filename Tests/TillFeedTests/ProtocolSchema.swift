import DataFormats
import FoundationEssentials
import LoyaltyModel
import Testing
import TillFeed

/// docs/till-protocol.schema.json and the reader say the same.
@Suite struct ProtocolSchema {
    private let root: URL
    private let schema: JSONSchema

    init() throws {
        root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let bytes = Array(try Data(contentsOf: root.appending(path: "docs/till-protocol.schema.json")))
        schema = JSONSchema(try JSONDocument.parse(bytes))
    }

    private func agree(_ line: String, isEvent: Bool, _ location: SourceLocation = #_sourceLocation) throws {
        let problems = try schema.problems(try JSONDocument.parse(Array(line.utf8)))
        let event = try? decoder.decode(Array(line.utf8))
        #expect((event != nil) == isEvent, "\(line)", sourceLocation: location)
        #expect(problems.isEmpty == isEvent, "\(problems) \(line)", sourceLocation: location)
    }

    @Test func everyExampleIsValidInBoth() throws {
        let text = try String(contentsOf: root.appending(path: "docs/till-protocol.md"), encoding: .utf8)
        for line in text.split(separator: "\n") {
            if line.hasPrefix("sale='") { try agree(String(line.dropFirst(6).dropLast()), isEvent: true) }
            if line.hasPrefix(#"{"v":1,"type""#) { try agree(String(line), isEvent: true) }
        }
        try agree(fullSale, isEvent: true)
    }

    @Test(arguments: TillDocuments.samples) func whatAdaptersMakeIsValidInBoth(sample: TillDocuments.Sample) throws {
        let bytes = Array(try Data(contentsOf: sample.url))
        for document in try convert(bytes, sample.dialect, try TillDocuments.settings(sample)) {
            if case .event(let event) = document.outcome { try agree(event.line, isEvent: true) }
        }
    }

    @Test(arguments: [
        (#""type":"control.subscribe","events":["reader.state"]"#, true),
        (#""type":"control.subscribe","events":[]"#, true),
        (#""type":"control.subscribe","events":["card"]"#, false), (#""type":"control.subscribe""#, false),
        (#""type":"control.subscribe","events":null"#, false), (#""type":"points.query""#, true),
        (#""type":"points.query","sale":{"store":"1"}"#, false),
    ])
    func bothReadQuestionsAlike(fields: String, isEvent: Bool) throws {
        try agree(#"{"v":1,"id":"q","source":"1/1","time":"2026-11-22T09:30:00Z",\#(fields)}"#, isEvent: isEvent)
    }

    /// What one refuses the other refuses.
    @Test(arguments: [
        ("\"v\":1", "\"v\":2"), ("sale.complete", "sale.explode"), ("\"completed\"", "\"open\""),
        ("\"EUR\"", "\"eur\""),
        ("\"qty\":\"2\"", "\"qty\":2.0"), ("\"qty\":\"2\"", "\"qty\":\"2,0\""),
        ("\"kind\":\"item\"", "\"kind\":\"thing\""),
        ("\"uom\":\"ea\",", ""), ("\"grand\":", "\"total\":"), ("00.25+01:00", "00.25"), ("\"rev\":2", "\"rev\":\"2\""),
        ("\"rel\":\"returns\",", ""), ("\"training\":true", "\"training\":1"),
        ("\"scheme\":\"gtin\"", "\"scheme\":\"ean\""),
        ("\"source\":\"coupon\"", "\"source\":\"friend\""), ("\"token\":\"00ff", "\"token\":\"00FF"),
        ("\"e-77\"", "\"\""),
        ("\"earn\":\"only_qty\"", "\"earn\":\"maybe\""), ("\"kind\":\"cash\"", "\"kind\":\"cheque\""),
        ("[\"Home\"", "[1"),
    ])
    func bothRefuse(sound: String, broken: String) throws {
        #expect(fullSale.contains(sound))
        try agree(fullSale.replacing(sound, with: broken, maxReplacements: 1), isEvent: false)
    }

    /// The keys that the reader asks for, taken from its source, are the properties of the schema, and the other way round.
    @Test func theReaderAndTheSchemaKnowTheSameFields() throws {
        var keys: Set<String> = []
        let call = try Regex(
            #"(?:identity|requiredIdentity|freeText|bounded|money|requiredMoney|decimal|requiredDecimal|integer|unsigned|timestamp|date|object|requiredObject|tables|word|words|requiredWord|boolean|strings|required|parsed|discounts|taxes)\(\s*"([a-z_]+)""#
        )
        for name in ["SaleFields", "RewardFields", "MemberFields", "TillEventDecoder", "TillFields"] {
            let source = try String(
                contentsOf: root.appending(path: "Sources/TillFeed/Native/\(name).swift"), encoding: .utf8)
            for match in source.matches(of: call) { keys.insert(String(match.output[1].substring ?? "")) }
        }
        // Read through a helper that names it.
        keys.insert("discounts")
        #expect(keys.count > 50)
        #expect(keys.subtracting(schema.propertyNames) == [])
        #expect(schema.propertyNames.subtracting(keys) == [])
    }
}
