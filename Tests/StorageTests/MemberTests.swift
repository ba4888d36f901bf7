import Foundation
import LoyaltyModel
import Storage
import Testing

@Suite struct Members {
    @Test func aCardFindsItsMember() async throws {
        let terminal = try Terminal()
        var record = try member("m1", cards: "2984000161610", "036000291452")
        record.member.tier = "gold"
        record.member.segments = ["staff"]
        record.member.entitlements = [.init(name: "plus", from: try CalendarDate("2027-01-01"))]
        record.member.birthday = try MonthDay(month: 2, day: 29)
        record.member.balance = try Points("12.5")
        record.member.balanceAsOf = terminal.now
        record.member.greeting = "Hello"
        try await terminal.importMembers([record])
        #expect(try await terminal.members.find(card("2984000161610")).member == record.member)
        // The same card by its 12 digits and by its 13.
        #expect(try await terminal.members.find(card("0036000291452")).member?.id == MemberID("m1"))
        #expect(try await terminal.members.find(card("2984000161627")).member == nil)
        try terminal.reopen()
        #expect(try await terminal.members.find(card("036000291452")).member == record.member)
    }

    @Test func aReplacedCardLeadsToTheNewMember() async throws {
        let terminal = try Terminal()
        var old = try member("old", cards: "1111222")
        old.member.status = .replaced(by: MemberID("new"))
        var circle = try member("circle", cards: "3333444")
        circle.member.status = .replaced(by: MemberID("circle"))
        try await terminal.importMembers([old, try member("new", cards: "5555666"), circle])
        let finding = try await terminal.members.find(card("1111222"))
        #expect(finding.member?.id == MemberID("new"))
        #expect(finding.isReplacement)
        #expect(try await terminal.members.find(card("3333444")).member?.id == MemberID("circle"))
    }

    @Test func theIDOfAReplacedMemberLeadsToTheNewOne() async throws {
        let terminal = try Terminal()
        var old = try member("old", cards: "1111222")
        old.member.status = .replaced(by: MemberID("new"))
        try await terminal.importMembers([old, try member("new", cards: "5555666")])
        let finding = try await terminal.members.find(card("old"), kind: .memberID)
        #expect(finding.member?.id == MemberID("new"))
        #expect(finding.isReplacement)
        let new = try await terminal.members.find(card("new"), kind: .memberID)
        #expect(new.member?.id == MemberID("new"))
        #expect(!new.isReplacement)
        #expect(try await terminal.members.find(card("other"), kind: .memberID).member == nil)
    }

    @Test func noCardNumberStandsInTheFiles() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("m1", cards: "2984000161610")])
        for file in ["loyaltyd.sqlite", "loyaltyd.sqlite-wal"] {
            let bytes = try Data(contentsOf: URL(filePath: terminal.directory + "/" + file))
            #expect(bytes.range(of: Data("2984000161610".utf8)) == nil, "\(file)")
            #expect(bytes.range(of: Data("m1".utf8)) != nil || file.hasSuffix("sqlite"), "the member itself is there")
        }
    }

    @Test func aSnapshotRemovesTheRestButNotTooMuch() async throws {
        let terminal = try Terminal()
        let all = try (0..<10).map { try member("m\($0)", cards: "90000\($0)") }
        try await terminal.importMembers(all)
        let importer = MemberImport(terminal.database)
        var generation = try await importer.begin()
        _ = try await importer.apply(all.prefix(7).map { .upsert($0) }, generation: generation, snapshot: true)
        let error = await #expect(throws: LoyaltyError.self) {
            try await importer.finish(generation: generation, snapshot: true, force: false, at: terminal.now)
        }
        #expect(error?.code == .membersTooManyDeletions)
        #expect(try await terminal.members.count().members == 10)

        generation = try await importer.begin()
        let result = try await importer.apply(
            all.prefix(8).map { .upsert($0) }, generation: generation, snapshot: true)
        #expect(result.changed == 8)
        #expect(try await importer.finish(generation: generation, snapshot: true, force: false, at: terminal.now) == 2)
        #expect(try await terminal.members.count() == .init(members: 8, cards: 8, completeAt: terminal.now))
        #expect(try await terminal.members.find(card("900009")).member == nil)
    }

    @Test func twoMembersOfOneFileCannotShareACard() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("a", cards: "700001")])
        let importer = MemberImport(terminal.database)
        let generation = try await importer.begin()
        let result = try await importer.apply(
            [
                .upsert(try member("b", cards: "700002")), .upsert(try member("c", cards: "700002")),
                // "a" is not in this file, so its card may move.
                .upsert(try member("d", cards: "700001")),
            ], generation: generation, snapshot: false)
        #expect(result.conflicts == [1])
        #expect(try await terminal.members.find(card("700002")).member?.id == MemberID("b"))
        #expect(try await terminal.members.find(card("700001")).member?.id == MemberID("d"))
        #expect(try await terminal.members.member(MemberID("c")) == nil)
    }

    @Test func aWrongFileCannotHideWhatItRemovesBehindWhatItAdds() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers(try (0..<10).map { try member("m\($0)", cards: "90000\($0)") })
        let importer = MemberImport(terminal.database)
        let generation = try await importer.begin()
        let others = try (0..<100).map { try member("x\($0)", cards: "8000\($0)") }
        _ = try await importer.apply(others.map { .upsert($0) }, generation: generation, snapshot: true)
        let error = await #expect(throws: LoyaltyError.self) {
            try await importer.finish(generation: generation, snapshot: true, force: false, at: terminal.now)
        }
        #expect(error?.code == .membersTooManyDeletions)
        #expect(try await terminal.members.find(card("900003")).member?.id == MemberID("m3"))
    }

    @Test func twoImportsAtOnceDoNotRemoveWhatBothName() async throws {
        let terminal = try Terminal()
        let all = try (0..<10).map { try member("m\($0)", cards: "90000\($0)") }
        try await terminal.importMembers(all)
        let importer = MemberImport(terminal.database)
        let delta = try await importer.begin()
        let snapshot = try await importer.begin()
        _ = try await importer.apply(all.map { .upsert($0) }, generation: snapshot, snapshot: true)
        _ = try await importer.apply([.upsert(all[4])], generation: delta, snapshot: false)
        #expect(try await importer.finish(generation: snapshot, snapshot: true, force: false, at: terminal.now) == 0)
    }

    @Test func deletingAMemberLeavesHisSalesAndTransactions() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("a", cards: "700001")])
        try await terminal.send(sale("1", [line("1", "A", "1", "5.00")]), id: "1", card: terminal.attachment("700001"))
        let importer = MemberImport(terminal.database)
        let generation = try await importer.begin()
        _ = try await importer.apply([.delete(MemberID("a"))], generation: generation, snapshot: false)
        #expect(try await terminal.members.find(card("700001")).member == nil)
        #expect(try await terminal.outbox.due(limit: 1, at: terminal.now).first?.subject == "member/a")
    }
}
