//! The human words in an error's body, whatever it is: Keystone's JSON, Glance's HTML, nginx's page.

use serde_json::Value;

/// More than this of a message helps nobody and may be used to fill logs.
const LONGEST: usize = 300;

/// One line of plain text out of an error's body, bounded and without tokens; may be empty.
pub(crate) fn human_text(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(json) => json_message(&json).unwrap_or_default(),
        Err(_) => markup_text(&String::from_utf8_lossy(body)),
    };
    bounded(&without_tokens(&text))
}

/// Keystone: `{"error": {"message"}}`; Glance and middlewares: `{"message"}`, `{"faultstring"}`.
fn json_message(json: &Value) -> Option<String> {
    match json {
        Value::String(text) => Some(text.clone()),
        Value::Object(map) => ["message", "faultstring", "description", "title", "error"]
            .iter()
            .filter_map(|key| map.get(*key))
            .find_map(json_message)
            .or_else(|| {
                map.values()
                    .filter(|v| v.is_object())
                    .find_map(json_message)
            }),
        _ => None,
    }
}

fn markup_text(html: &str) -> String {
    let body = html
        .find("</title>")
        .or_else(|| html.find("</TITLE>"))
        .map_or(html, |at| &html[at..]);
    let mut text = String::with_capacity(body.len());
    let mut in_tag = false;
    for character in body.chars() {
        match character {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                text.push(' ');
            }
            _ if in_tag => {}
            _ => text.push(character),
        }
    }
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#x27;", "'")
        .replace("&#39;", "'")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&");
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    without_status_line(&line).to_owned()
}

/// Glance repeats the status as a heading (`403 Forbidden …`); the words after it are the message.
fn without_status_line(line: &str) -> &str {
    let Some((number, rest)) = line.split_once(' ') else {
        return line;
    };
    let Some(reason) = number
        .parse::<u16>()
        .ok()
        .and_then(|code| http::StatusCode::from_u16(code).ok())
        .and_then(|status| status.canonical_reason())
    else {
        return line;
    };
    match rest.strip_prefix(reason).map(str::trim) {
        Some("") | None => line,
        Some(message) => message,
    }
}

/// Keystone quotes a revoked token whole. Fernet tokens begin with `gAAAA`, JWS tokens with `eyJ`.
fn without_tokens(text: &str) -> String {
    text.split_whitespace()
        .map(|word| {
            if word.contains("gAAAA") || word.contains("eyJ") {
                "(token)"
            } else {
                word
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn bounded(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    match clean.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &clean[..at]),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_found_in_every_dress() {
        let table = [
            (
                r#"{"error": {"code": 401, "message": "The request you have made requires authentication.", "title": "Unauthorized"}}"#,
                "The request you have made requires authentication.",
            ),
            (
                "<html>\n <head>\n  <title>403 Forbidden</title>\n </head>\n <body>\n  <h1>403 Forbidden</h1>\n  \
                 You are not permitted to create images owned by &#x27;x&#x27;.<br /><br />\n\n\n\n </body>\n</html>",
                "You are not permitted to create images owned by 'x'.",
            ),
            (
                "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>\
                 </center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body></html>",
                "nginx/1.22.1",
            ),
            (
                r#"{"message": "Quota exceeded<br />", "code": 413}"#,
                "Quota exceeded<br />",
            ),
            ("409 Conflict", "409 Conflict"),
            ("", ""),
            ("[1, 2]", ""),
        ];
        for (body, words) in table {
            assert_eq!(human_text(body.as_bytes()), words, "{body}");
        }
    }

    #[test]
    fn tokens_and_floods_are_cut() {
        let revoked =
            br#"{"error": {"message": "Failed to validate token gAAAAABf-secret-part= now"}}"#;
        assert_eq!(human_text(revoked), "Failed to validate token (token) now");
        let flood = "ü".repeat(5_000);
        assert_eq!(human_text(flood.as_bytes()).chars().count(), LONGEST + 1);
    }
}
