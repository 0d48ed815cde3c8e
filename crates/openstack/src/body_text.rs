//! The human words in an error's body, whatever it is: Keystone's JSON, Glance's HTML, nginx's page.

use serde_json::Value;

/// More than this of a message helps nobody and may be used to fill logs.
const LONGEST: usize = 300;

/// One line of plain text out of an error's body, bounded and without tokens; may be empty.
pub(crate) fn human_text(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        // Glance puts markup even into the texts of its JSON.
        Ok(json) => markup_text(&json_message(&json).unwrap_or_default()),
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

/// The text below a page's heading, which only repeats the status; else all of its text.
fn markup_text(page: &str) -> String {
    // Below a rule there is only the name of the server software.
    let html = page.find("<hr>").map_or(page, |at| &page[..at]);
    let below_heading = html.find("</h1>").map(|at| plain_text(&html[at..]));
    match below_heading {
        Some(text) if !text.is_empty() => text,
        _ => {
            let below_title = html.find("</title>").map_or(html, |at| &html[at..]);
            plain_text(without_status_line(below_title))
        }
    }
}

fn plain_text(body: &str) -> String {
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
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text without markup begins with a line of status (`403 Forbidden`); its message comes below.
fn without_status_line(text: &str) -> &str {
    match text.trim_start().split_once('\n') {
        Some((first, message))
            if first.starts_with(char::is_numeric) && !message.trim().is_empty() =>
        {
            message
        }
        _ => text,
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
                "502 Bad Gateway",
            ),
            (
                r#"{"message": "Quota exceeded", "code": 413}"#,
                "Quota exceeded",
            ),
            (
                "<html><head><title>416 x</title></head><body><h1>416 Request Range Not \
                 Satisfiable</h1>Invalid start.</body></html>",
                "Invalid start.",
            ),
            (
                "403 Forbidden\n\nImage is protected\n\n",
                "Image is protected",
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
