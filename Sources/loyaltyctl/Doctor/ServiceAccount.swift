import Glibc
import ReaderChecks

extension ReaderSituation.Account {
    /// The user that the service unit runs as; whoever asks, where the machine has no such user.
    static var ofService: ReaderSituation.Account {
        let name = "loyaltyd"
        guard let entry = getpwnam(name) else { return current }
        var groups = [gid_t](repeating: 0, count: 256)
        var count = Int32(groups.count)
        guard getgrouplist(name, entry.pointee.pw_gid, &groups, &count) >= 0 else {
            return .init(name: name, user: entry.pointee.pw_uid, groups: [entry.pointee.pw_gid])
        }
        return .init(name: name, user: entry.pointee.pw_uid, groups: Set(groups.prefix(Int(count))))
    }

    private static var current: ReaderSituation.Account {
        var groups = [gid_t](repeating: 0, count: 256)
        let count = getgroups(Int32(groups.count), &groups)
        let name = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "user \(geteuid())"
        return .init(name: name, user: geteuid(), groups: Set(groups.prefix(Int(max(count, 0))) + [getegid()]))
    }
}
