import Glibc
import LoyaltyModel

/// The control socket's file: whose it is and who may connect.
struct ControlSocket: Sendable {
    let path: String
    let group: String?

    /// Binding removes a socket that is there already; that must not be one at which somebody still answers.
    ///
    /// - Throws: `control.address_in_use`, `control.cannot_listen`.
    func checkUnused() async throws(LoyaltyError) {
        guard (1...107).contains(path.utf8.count) else {
            throw LoyaltyError(.controlCannotListen, "the socket's path is not 1 to 107 bytes long: \(path)")
        }
        do {
            _ = try await ControlClient(socketPath: path, timeout: .seconds(2)).send(.get("/health"))
        } catch  where error.code == .controlUnavailable {
            return
        } catch  where error.code == .controlPermission {
            throw LoyaltyError(.controlCannotListen, "a socket that belongs to somebody else is in the way: \(path)")
        } catch {
            throw LoyaltyError(
                .controlAddressInUse,
                "another process answers at \(path)",
                remedy: "Stop it, or give this one its own --state-dir"
            )
        }
        throw LoyaltyError(
            .controlAddressInUse,
            "another loyaltyd is running at \(path)",
            remedy: "Stop it, or give this one its own --state-dir"
        )
    }

    /// Owner and group may connect: 0660. Until this is called the umask holds, which gives others nothing either
    /// unless it is 0; systemd's and every shell's is not.
    ///
    /// - Throws: `control.cannot_listen`.
    func setPermissions() throws(LoyaltyError) {
        if let group {
            guard let id = groupID(group) else {
                throw LoyaltyError(.controlCannotListen, "there is no group \"\(group)\"")
            }
            guard chown(path, uid_t.max, id) == 0 else { throw failed("give the socket to group \(group)") }
        }
        guard chmod(path, 0o660) == 0 else { throw failed("set the mode of the socket") }
    }

    func remove() { unlink(path) }

    private func failed(_ what: String) -> LoyaltyError {
        LoyaltyError(.controlCannotListen, "cannot \(what): \(errorText(errno))", at: Place(file: path))
    }

    private func groupID(_ name: String) -> gid_t? {
        var entry = group_t()
        var result: UnsafeMutablePointer<group_t>?
        var buffer = [CChar](repeating: 0, count: 65_536)
        guard getgrnam_r(name, &entry, &buffer, buffer.count, &result) == 0, result != nil else { return nil }
        return entry.gr_gid
    }
}

private typealias group_t = Glibc.group

/// The system's words for an errno.
func errorText(_ code: CInt) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
