import FoundationEssentials
public import LoyaltyModel

/// How the contract's types become JSON text and come back.
public enum ContractCoding {
    /// One line, or indented for people; keys sorted, so that equal values are equal text.
    ///
    /// - Throws: `control.internal` where the value cannot be written as JSON.
    public static func encode(_ value: some Encodable, pretty: Bool = false) throws(LoyaltyError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        do { return Array(try encoder.encode(value)) } catch {
            throw LoyaltyError(.controlInternal, "the answer could not be written as JSON")
        }
    }

    /// - Throws: `control.protocol` with the path of keys; the message repeats no value.
    public static func decode<Value: Decodable>(
        _ type: Value.Type,
        from bytes: [UInt8]
    ) throws(LoyaltyError) -> Value {
        do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch {
            throw LoyaltyError(.controlProtocol, "not of the form that is expected here", at: place(of: error))
        }
    }

    private static func place(of error: any Error) -> Place? {
        let context: DecodingError.Context
        var last: (any CodingKey)?
        switch error as? DecodingError {
        case .typeMismatch(_, let found)?, .valueNotFound(_, let found)?, .dataCorrupted(let found)?: context = found
        case .keyNotFound(let key, let found)?:
            context = found
            last = key
        default: return nil
        }
        let keys = context.codingPath + (last.map { [$0] } ?? [])
        let path = keys.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
        return path.isEmpty ? nil : Place(path: path.hasPrefix(".") ? String(path.dropFirst()) : path)
    }
}
