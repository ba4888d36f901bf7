import ControlAPI
import LoyaltyModel
import NIOHTTP1
import Testing

@Suite("Status page on loopback")
struct PageTests {
    @Test("Only this machine's own names with the right port are answered")
    func hosts() async throws {
        try await withServer(try StoreSample.store()) { server in
            let port = server.pagePort
            let table: [(String?, Int)] = [
                ("localhost:\(port)", 200), ("127.0.0.1:\(port)", 200), ("[::1]:\(port)", 200),
                ("LOCALHOST:\(port)", 200), ("localhost", 403), ("localhost:\(port + 1)", 403),
                ("localhost:80", 403), ("points.example:\(port)", 403), ("localhost.points.example:\(port)", 403),
                ("127.0.0.1.points.example:\(port)", 403), ("[::2]:\(port)", 403), ("localhost:\(port)0", 403),
                ("localhost@points.example:\(port)", 403),
            ]
            for (host, status) in table {
                let headers = (host.map { [("Host", $0)] } ?? []) + [("Connection", "close")]
                for path in ["/", "/v1/status", "/v1/sales", "/metrics", "/health"] {
                    let answer = try await rawRequest(port: port, path: path, headers: headers)
                    #expect(answer.status == status, "\(host ?? "-") \(path)")
                }
            }
        }
    }

    @Test("Requests from other pages are refused, and no page is let in by CORS")
    func origins() async throws {
        try await withServer(try StoreSample.store()) { server in
            let port = server.pagePort
            let table: [(String, Int)] = [
                ("http://localhost:\(port)", 200), ("http://127.0.0.1:\(port)", 200), ("http://points.example", 403),
                ("https://localhost:\(port)", 403), ("http://localhost:\(port + 1)", 403), ("null", 403),
            ]
            for (origin, status) in table {
                let answer = try await rawRequest(
                    port: port, path: "/v1/status",
                    headers: [("Host", "localhost:\(port)"), ("Origin", origin), ("Connection", "close")])
                #expect(answer.status == status, "\(origin)")
                #expect(answer.headers["access-control-allow-origin"].isEmpty)
            }
        }
    }

    @Test("Nothing but reading is possible, and nothing of members or queue can be read")
    func readOnly() async throws {
        let state = try StoreSample.store()
        await state.put(MemberRecord(member: Member(id: MemberID("m1")), cards: []))
        try await withServer(state) { server in
            let table = [
                ("GET", "/v1/member?id=m1"), ("GET", "/v1/members/count"), ("GET", "/v1/queue"),
                ("GET", "/v1/queue/event?id=t-5f3a9c.1187"), ("POST", "/v1/queue/retry"), ("POST", "/v1/sync"),
                ("POST", "/v1/members/import"), ("POST", "/v1/members/lookup"), ("DELETE", "/v1/members/import/1"),
                ("POST", "/v1/status"),
            ]
            for (method, path) in table {
                let answer = try await rawRequest(
                    port: server.pagePort, path: path, method: method,
                    headers: [
                        ("Host", "localhost:\(server.pagePort)"), ("Content-Length", "0"), ("Connection", "close"),
                    ])
                #expect(answer.status == 404, "\(method) \(path)")
            }
        }
        #expect(await state.synchronized == 0)
    }

    @Test("The page stands alone: only its own script and style count, with a new nonce each time")
    func contentSecurity() async throws {
        try await withServer(try StoreSample.store()) { server in
            let headers = [("Host", "localhost:\(server.pagePort)"), ("Connection", "close")]
            let first = try await rawRequest(port: server.pagePort, path: "/", headers: headers)
            let second = try await rawRequest(port: server.pagePort, path: "/", headers: headers)
            let policy = try #require(first.headers.first(name: "content-security-policy"))
            let nonce = try #require(policy.split(separator: "'nonce-").dropFirst().first?.split(separator: "'").first)
            #expect(policy.hasPrefix("default-src 'none'"))
            #expect(policy.contains("frame-ancestors 'none'"))
            #expect(first.body.contains("<script nonce=\"\(nonce)\">"))
            #expect(second.headers.first(name: "content-security-policy") != policy)
            #expect(!first.body.contains(" style=\""))
            #expect(!first.body.contains(" src=\""))
            for (name, value) in [
                ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"),
                ("cache-control", "no-store"),
            ] { #expect(first.headers.first(name: name) == value) }
        }
    }

    @Test("Without a login members are masked; over the socket they are not")
    func masking() async throws {
        try await withServer(try StoreSample.store()) { server in
            let headers = [("Host", "localhost:\(server.pagePort)"), ("Connection", "close")]
            for path in ["/v1/sales", "/v1/sale?ref=s-5f3a9c.0422"] {
                let answer = try await rawRequest(port: server.pagePort, path: path, headers: headers)
                #expect(answer.status == 200)
                #expect(answer.body.contains("…8837"))
                #expect(!answer.body.contains("m-20418837"))
            }
            let sale = try await server.client.sale("0422")
            #expect(sale.summary.member?.id == "m-20418837")
        }
    }

    /// Lines of the text format, https://prometheus.io/docs/instrumenting/exposition_formats/.
    @Test("Metrics are Prometheus text with the figures of the status")
    func metrics() async throws {
        try await withServer(try StoreSample.store()) { server in
            let headers = [("Host", "localhost:\(server.pagePort)"), ("Connection", "close")]
            let answer = try await rawRequest(port: server.pagePort, path: "/metrics", headers: headers)
            #expect(answer.headers.first(name: "content-type")?.hasPrefix("text/plain; version=0.0.4") == true)
            let lines = answer.body.split(separator: "\n").map(String.init)
            for line in [
                "loyaltyd_state{state=\"attention\"} 1", "loyaltyd_state{state=\"ok\"} 0", "loyaltyd_readers_up 1",
                "loyaltyd_outbox_depth{state=\"dead\"} 1", "loyaltyd_outbox_oldest_seconds 929",
                "loyaltyd_cache_age_seconds 2229", "loyaltyd_today_points_given{currency=\"points\"} 6284",
                "loyaltyd_today_scans_refused{reason=\"payment_card\"} 2",
                "# TYPE loyaltyd_scans_total counter",
                "loyaltyd_scans_total{class=\"member\",reader=\"usb-1-1.2:0\"} 9120",
            ] { #expect(lines.contains(line), "\(line)") }
            let types = lines.filter { $0.hasPrefix("# TYPE") }
            #expect(Set(types).count == types.count)
        }
    }

    @Test("Health says that somebody is there, and nothing else")
    func health() async throws {
        try await withServer(try StoreSample.store()) { server in
            let headers = [("Host", "localhost:\(server.pagePort)"), ("Connection", "close")]
            let answer = try await rawRequest(port: server.pagePort, path: "/health", headers: headers)
            #expect(answer.body == #"{"status":"ok"}"#)
        }
    }
}
