import HTTPTypes
import Hummingbird
import LoyaltyModel

/// Lets only this machine's own pages in: a page from elsewhere that a browser here has open can reach loopback ports,
/// and by DNS rebinding even read the answers. The Host header shows that (CVE-2018-5702 is the same in Transmission).
struct LoopbackGuard: RouterMiddleware {
    static let hosts = ["localhost", "127.0.0.1", "[::1]"]

    func handle(
        _ request: Request,
        context: ControlContext,
        next: (Request, ControlContext) async throws -> Response
    ) async throws -> Response {
        guard let port = context.localPort, let host = request.head.authority, Self.isOurs(host, port: port) else {
            throw LoyaltyError(
                .controlForeignOrigin,
                "the Host of this request is not this machine",
                remedy: "Open the page as http://localhost:\(context.localPort ?? 0)/"
            )
        }
        if let origin = request.headers[.origin] {
            guard origin.hasPrefix("http://"), Self.isOurs(origin.dropFirst(7), port: port) else {
                throw LoyaltyError(.controlForeignOrigin, "requests from other pages are refused")
            }
        }
        return try await next(request, context)
    }

    /// `localhost:9480` and the like, with the port the request came in by; without a port only where that is 80.
    static func isOurs(_ authority: some StringProtocol, port: Int) -> Bool {
        hosts.contains { host in
            guard authority.lowercased().hasPrefix(host) else { return false }
            let rest = authority.dropFirst(host.count)
            return rest == ":\(port)" || rest.isEmpty && port == 80
        }
    }
}

/// Headers that keep a browser from doing more with an answer than showing it.
struct SecurityHeaders: RouterMiddleware {
    func handle(
        _ request: Request,
        context: ControlContext,
        next: (Request, ControlContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        response.headers[.xContentTypeOptions] = "nosniff"
        for (name, value) in Self.plain { response.headers[name] = value }
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        }
        return response
    }

    private static let plain: [(HTTPField.Name, String)] = [
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ].compactMap { name, value in HTTPField.Name(name).map { ($0, value) } }
}
