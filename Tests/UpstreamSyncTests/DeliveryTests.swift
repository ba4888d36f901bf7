import LoyaltyModel
import Synchronization
import Testing
import UpstreamSync

@testable import loyaltysim

@Suite("Delivery to a back end over loopback", .timeLimit(.minutes(5)))
struct DeliveryTests {
    /// 300 events of 40 members, in the order of their sequence.
    private static let events = (1...300).map { event($0, member: "m\($0 % 40)") }

    /// Sum of n + 0.25 for n of 1...300: 300 x 301 / 2 + 300 / 4.
    private static let points = "45225.00"

    /// Time passes as fast as somebody waits for it.
    private static func service(
        _ queue: MemoryQueue, _ transport: some UpstreamTransport, _ clock: HandClock, batchSize: Int = 100,
        onSleep: @escaping @Sendable (Duration) async -> Void = { _ in }
    ) -> UpstreamService {
        var settings = UpstreamSettings()
        settings.batchSize = batchSize
        return UpstreamService(
            queue: queue, transport: transport, settings: settings, clock: clock, jitter: { $0.upperBound },
            sleeper: { duration in
                await onSleep(duration)
                clock.advance(duration)
            })
    }

    @Test(arguments: [
        [], ["refuse:3"], ["error:5"], ["busy:2"], ["drop-answer:4"], ["half:6"], ["no-results"], ["slow:2"],
        ["no-results", "half:3"], ["refuse:2", "error:2", "busy:1", "drop-answer:3", "half:3"],
    ])
    func everythingArrivesOnceAndInOrder(_ faults: [String]) async throws {
        try await withBackEnd(faults: faults) { url, server in
            let queue = MemoryQueue(Self.events)
            let clock = HandClock()
            let service = Self.service(queue, try transport(to: url), clock, batchSize: 25)
            let run = Task { try await service.run() }
            await queue.drained()
            run.cancel()
            try await run.value

            let lines = try RecordedLine.all(try await server.backEnd.recorded())
            #expect(lines.map(\.data.seq).sorted() == Array(1...300), "each once")
            for (member, group) in Dictionary(grouping: lines, by: \.data.member) {
                #expect(group.map(\.data.seq) == group.map(\.data.seq).sorted(), "order of \(member)")
            }
            let summary = await server.backEnd.summary()
            #expect(summary.points == Self.points)
            #expect(summary.events == 300)
            #expect(summary.missing == 0)
            #expect(summary.outOfOrder == 0)
            #expect(summary.conflicts == 0)
            #expect(service.status.deliveredTotal == 300)
            #expect(service.status.state == .off)
            for fault in faults { #expect(summary.faultsInjected[String(fault.prefix { $0 != ":" })] != nil) }
        }
    }

    @Test(arguments: [["reject:t-7f.7"], ["no-results", "reject:t-7f.7"]])
    func aBadEventHoldsUpNobodyElse(_ faults: [String]) async throws {
        // Rejected: 7, 70 to 79, and no others up to 99.
        let bad = [7] + Array(70...79)
        try await withBackEnd(faults: faults) { url, server in
            let queue = MemoryQueue((1...99).map { event($0, member: "m\($0)") })
            let service = Self.service(queue, try transport(to: url), HandClock())
            let run = Task { try await service.run() }
            await queue.drained()
            run.cancel()
            try await run.value
            let lines = try RecordedLine.all(try await server.backEnd.recorded())
            #expect(lines.map(\.data.seq).sorted() == (1...99).filter { !bad.contains($0) })
            #expect(await queue.dead == bad.map { "t-7f.\($0)" })
            #expect(service.status.deadTotal == bad.count)
        }
    }

    @Test func aRefusedTokenStopsAllUntilItIsMended() async throws {
        try await withBackEnd(faults: ["unauthorized"]) { url, server in
            let queue = MemoryQueue(Self.events)
            let clock = HandClock()
            let (sleeps, slept) = AsyncStream.makeStream(of: Duration.self)
            let service = Self.service(queue, try transport(to: url), clock) { slept.yield($0) }
            let run = Task { try await service.run() }
            var probes = 0
            for await duration in sleeps {
                #expect(duration == .seconds(60))
                probes += 1
                if probes == 3 { break }
            }
            let status = service.status
            #expect(status.state == .paused)
            #expect(status.reason?.contains("401") == true)
            #expect(status.failuresInARow >= 3)
            #expect(await queue.records.isEmpty)
            await server.backEnd.replaceFaults([])
            await queue.drained()
            run.cancel()
            try await run.value
            #expect(await server.backEnd.summary().events == 300)
            #expect(service.status.failuresInARow == 0)
        }
    }

    @Test("A mistyped path shows with its reason until something is taken, and no sale is set aside")
    func mistypedPath()
        async throws
    {
        try await withBackEnd { url, _ in
            let queue = MemoryQueue((1...9).map { event($0, member: "m\($0)") })
            let (sleeps, slept) = AsyncStream.makeStream(of: Duration.self)
            let transport = HTTPTransport(
                settings: .init(url: try UpstreamURL(url + "/evnets")), token: { () async throws(LoyaltyError) in nil })
            let service = Self.service(queue, transport, HandClock()) { slept.yield($0) }
            let run = Task { try await service.run() }
            var hours = 0
            for await duration in sleeps where duration >= .seconds(60) {
                hours += 1
                if hours == 300 { break }
            }
            let status = service.status
            run.cancel()
            try await run.value
            #expect(status.failuresInARow > 0)
            #expect(status.openFailure?.message.contains("404") == true)
            #expect(await queue.dead.isEmpty)
        }
    }

    @Test func theTokenTravelsAndShowsNowhere() async throws {
        try await withBackEnd(token: "s3cret-t0ken") { url, _ in
            let good = try transport(to: url, token: "s3cret-t0ken")
            #expect(try await good.send(CloudEventsBatch([event(1)])).status == 207)
            await good.shutdown()
            let bad = try transport(to: url, token: "other")
            #expect(try await bad.send(CloudEventsBatch([event(2)])).status == 401)
            await bad.shutdown()
            let broken = try transport(to: url, token: "s3cret\r\nX-Evil: 1")
            let error = await #expect(throws: LoyaltyError.self) { try await broken.send(CloudEventsBatch([event(3)])) }
            #expect(error?.code == .upstreamToken)
            #expect("\(String(describing: error))".contains("s3cret") == false)
            await broken.shutdown()
        }
    }

    @Test func aBackEndThatIsNotThereSaysSo() async throws {
        let url = try await withBackEnd { url, _ in url }
        let transport = try transport(to: url)
        let error = await #expect(throws: LoyaltyError.self) { try await transport.send(CloudEventsBatch([event(1)])) }
        #expect(error?.code == .upstreamConnect)
        #expect(error?.message.contains("127.0.0.1") == true)
        await transport.shutdown()
    }

    @Test func aBackEndThatHangsIsGivenUp() async throws {
        try await withBackEnd(faults: ["slow:3600000"]) { url, _ in
            var settings = HTTPTransport.Settings(url: try UpstreamURL(url + "/events"))
            settings.requestTimeout = .milliseconds(100)
            let transport = HTTPTransport(settings: settings)
            let error = await #expect(throws: LoyaltyError.self) {
                try await transport.send(CloudEventsBatch([event(1)]))
            }
            #expect(error?.code == .upstreamTimeout)
            await transport.shutdown()
        }
    }

    @Test func theCardReachesTheBackEnd() async throws {
        try await withBackEnd { url, server in
            let queue = MemoryQueue([event(1, card: CardNumber("6035700017"))])
            let service = Self.service(queue, try transport(to: url), HandClock())
            let run = Task { try await service.run() }
            await queue.drained()
            run.cancel()
            try await run.value
            let lines = try RecordedLine.all(try await server.backEnd.recorded())
            #expect(lines.first?.data.card?.number == "6035700017")
        }
    }

    @Test func newRowsWakeTheService() async throws {
        try await withBackEnd { url, server in
            let queue = MemoryQueue([event(1)])
            let service = Self.service(queue, try transport(to: url), HandClock())
            let run = Task { try await service.run() }
            await queue.drained()
            await queue.add(event(2))
            service.notify()
            await queue.drained()
            run.cancel()
            try await run.value
            #expect(await server.backEnd.summary().events == 2)
        }
    }

    @Test func aFullDiskLosesNoResult() async throws {
        try await withBackEnd { url, server in
            let queue = MemoryQueue(Self.events)
            await queue.failNextRecords(3)
            let service = Self.service(queue, try transport(to: url), HandClock())
            let run = Task { try await service.run() }
            await queue.drained()
            run.cancel()
            try await run.value
            let summary = await server.backEnd.summary()
            #expect(summary.events == 300)
            #expect(summary.duplicates == 0, "what was answered is not sent again")
        }
    }

    @Test func theRecordSurvivesARestart() async throws {
        let path = "/tmp/loyaltysim-\(UInt64.random(in: 0 ... .max)).ndjson"
        try await withBackEnd(faults: ["drop-answer:1"], record: path) { url, _ in
            let transport = try transport(to: url)
            await #expect(throws: LoyaltyError.self) { try await transport.send(CloudEventsBatch([event(1)])) }
            await transport.shutdown()
        }
        try await withBackEnd(record: path) { url, server in
            #expect(await server.backEnd.summary().events == 1, "written before the answer that never came")
            let transport = try transport(to: url)
            let answer = try await transport.send(CloudEventsBatch([event(1), event(2)]))
            #expect(
                String(decoding: answer.body, as: UTF8.self)
                    == #"[{"id":"t-7f.1","reason":"duplicate","status":200},{"id":"t-7f.2","status":200}]"#)
            var changed = event(2)
            changed.data = Array(#"{"seq":2,"points":[{"total":"1000.00"}]}"#.utf8)
            let conflict = try await transport.send(CloudEventsBatch([changed]))
            #expect(String(decoding: conflict.body, as: UTF8.self).contains(#""status":409"#))
            await transport.shutdown()
            let summary = await server.backEnd.summary()
            #expect(summary.events == 2)
            #expect(summary.duplicates == 1)
            #expect(summary.conflicts == 1)
            #expect(summary.points == "3.50", "1.25 and 2.25")
        }
        try removeFile(path)
    }
}

/// A back end that answers when the test says so.
private final class HeldTransport: UpstreamTransport {
    let arrived = AsyncStream.makeStream(of: CloudEventsBatch.self)
    let release = AsyncStream.makeStream(of: UpstreamResponse.self)

    func send(_ batch: CloudEventsBatch) async throws(LoyaltyError) -> UpstreamResponse {
        arrived.continuation.yield(batch)
        for await response in release.stream { return response }
        throw LoyaltyError(.upstreamConnect, "cancelled")
    }

    func shutdown() async {}
}

@Suite("Stopping", .timeLimit(.minutes(5)))
struct StoppingTests {
    @Test func theBatchInFlightIsWrittenDown() async throws {
        let queue = MemoryQueue([event(1), event(2)])
        let transport = HeldTransport()
        let service = UpstreamService(queue: queue, transport: transport, clock: HandClock())
        let run = Task { try await service.run() }
        for await _ in transport.arrived.stream { break }
        #expect(service.status.state == .delivering)
        run.cancel()
        transport.release.continuation.yield(UpstreamResponse(status: 200))
        try await run.value
        #expect(await queue.records.map(\.id) == ["t-7f.1"], "the one in flight, and no other")
        #expect(service.status.state == .off)
    }

    @Test func theDeadlineEndsAHangingBatch() async throws {
        let queue = MemoryQueue([event(1)])
        let transport = HeldTransport()
        let service = UpstreamService(
            queue: queue, transport: transport, clock: HandClock(), sleeper: { #expect($0 == .seconds(5)) })
        let run = Task { try await service.run() }
        for await _ in transport.arrived.stream { break }
        run.cancel()
        try await run.value
        #expect(await queue.records.allSatisfy { if case .retry = $0.outcome { true } else { false } })
        #expect(service.status.state == .off)
    }

    @Test func syncNowEndsTheWait() async throws {
        let queue = MemoryQueue([event(1)])
        let transport = HeldTransport()
        let (sleeps, slept) = AsyncStream.makeStream(of: Duration.self)
        // Nobody's time passes: only the request can end the wait.
        let service = UpstreamService(
            queue: queue, transport: transport, clock: HandClock(), jitter: { $0.upperBound },
            sleeper: {
                slept.yield($0)
                try await Task.sleep(for: .seconds(3600))
            })
        let run = Task { try await service.run() }
        transport.release.continuation.yield(UpstreamResponse(status: 503))
        for await duration in sleeps {
            #expect(duration == .seconds(1))
            break
        }
        #expect(service.status.state == .retrying)
        #expect(service.status.nextAttempt != nil)
        transport.release.continuation.yield(UpstreamResponse(status: 200))
        service.syncNow()
        await queue.drained()
        run.cancel()
        try await run.value
        #expect(service.status.deliveredToday == 1)
    }
}
