import HTTPTypes
import Hummingbird

/// The status page: one file without outside resources, that fetches the figures every two seconds.
enum StatusPage {
    /// The page and a policy under which only its own style and script count.
    static func response(nonce: String) -> Response {
        var response = Response(text: html(nonce: nonce), type: "text/html; charset=utf-8")
        response.headers[.contentSecurityPolicy] =
            "default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; connect-src 'self'; "
            + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        return response
    }

    static func html(nonce: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>loyaltyd</title>
        <link rel="icon" href="\(icon)">
        <style nonce="\(nonce)">\(style)</style>
        </head>
        <body>
        \(body)
        <script nonce="\(nonce)">\(script)</script>
        </body>
        </html>
        """
    }

    private static let icon =
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
        + "%3Crect width='16' height='16' rx='4' fill='%234654c9'/%3E"
        + "%3Cpath d='M5 3v10h6' fill='none' stroke='white' stroke-width='2.4'/%3E%3C/svg%3E"
}
