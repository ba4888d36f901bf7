import FoundationEssentials
import Glibc

/// A client of the till socket.
final class TillClient: Sendable {
    let answers: LineFeed
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = try connected(unix: path)
        answers = LineFeed("till", following: dup(descriptor))
    }

    /// Over TCP on loopback.
    init(port: Int) throws {
        descriptor = try connected(port: UInt16(clamping: port))
        answers = LineFeed("till", following: dup(descriptor))
    }

    deinit { close(descriptor) }

    func send(_ line: String) throws { try writeAll(descriptor, Array((line + "\n").utf8)) }
    func send(bytes: [UInt8]) throws { try writeAll(descriptor, bytes) }
    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Sends, and returns the answer; answers come in order, so it is the next line.
    func ask(_ line: String) async throws -> Answer {
        try send(line)
        return try await nextAnswer()
    }

    func nextAnswer() async throws -> Answer { try Answer(try await answers.next()) }
}

/// What a till reads of an answer or a pushed card.
struct Answer: Decodable, Sendable {
    struct PointsPart: Decodable, Sendable { var earned: String }
    struct MemberPart: Decodable, Sendable {
        var id: String?
        var tier: String?
        var card: String?
        var unverified: Bool?
    }

    var ack: String?
    var type: String?
    var result: String
    var code: String?
    var message: String?
    var column: Int?
    var sale: String?
    var reader: String?
    var points: PointsPart?
    var member: MemberPart?
    var display: [String]?
    var signal: String?
    var flags: [String]?

    init(_ line: String) throws { self = try decoded(line) }
}

func decoded<Value: Decodable>(_ text: String, as type: Value.Type = Value.self) throws -> Value {
    do { return try JSONDecoder().decode(type, from: Data(text.utf8)) } catch {
        throw BenchError("\(error) in: \(text)")
    }
}

/// One HTTP request on a fresh connection; the connection's end is the answer's end.
func http(
    _ method: String, port: UInt16, _ path: String, body: String = "", type: String = "application/json"
) async throws -> (status: Int, text: String) {
    let descriptor = try connected(port: port)
    let request =
        "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\nContent-Type: \(type)\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    try writeAll(descriptor, Array(request.utf8))
    let feed = LineFeed("HTTP \(path)", following: descriptor)
    try await feed.ended()
    let text = feed.text
    guard let status = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }),
        let blank = text.firstRange(of: "\r\n\r\n") ?? text.firstRange(of: "\n\r\n")
    else { throw BenchError("no HTTP answer: \(text)") }
    return (status, String(text[blank.upperBound...]))
}

func connected(unix path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let (address, length) = try unixAddress(path)
    return try connected(descriptor, address, length, path)
}

func unixAddress(_ path: String) throws -> (sockaddr_un, socklen_t) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { throw BenchError("too long: \(path)") }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return (address, socklen_t(MemoryLayout<sockaddr_un>.size))
}

func connected(port: UInt16) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return try connected(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size), "port \(port)")
}

private func connected<Address>(
    _ descriptor: Int32, _ address: Address, _ length: socklen_t, _ name: String
) throws -> Int32 {
    let status = withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
    }
    guard status == 0 else {
        let reason = String(cString: strerror(errno))
        close(descriptor)
        throw BenchError("no connection to \(name): \(reason)")
    }
    return descriptor
}
