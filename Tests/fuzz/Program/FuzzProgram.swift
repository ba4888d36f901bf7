import Foundation
import FuzzEntries

/// What libFuzzer calls; `LOYALTYD_FUZZ_TARGET` names the entry.
enum FuzzProgram {
    static let entry: FuzzEntry = {
        let name = ProcessInfo.processInfo.environment["LOYALTYD_FUZZ_TARGET"] ?? ""
        if let entry = FuzzEntry.all.first(where: { $0.name == name }) { return entry }
        let names = FuzzEntry.all.map { "\($0.name) \($0.maximumLength)\n" }.joined()
        FileHandle.standardOutput.write(Data(names.utf8))
        // libFuzzer takes an ordinary exit for a crash.
        _exit(name.isEmpty ? 0 : 64)
    }()
}

@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutableRawPointer?, _ arguments: UnsafeMutableRawPointer?) -> CInt {
    _ = FuzzProgram.entry
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try FuzzProgram.entry.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch {
        FileHandle.standardError.write(Data("BROKEN PROMISE of \(FuzzProgram.entry.name): \(error)\n".utf8))
        abort()
    }
    return 0
}
