//! What of a page is run: blocks and the comments between them.

use anyhow::Context;

/// A piece of the page, in its order.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    /// Commands, and the answer that follows them.
    Example(&'a str, Option<Answer<'a>>),
    /// A variable's name, and the key of the last answer that it is set to.
    Set(&'a str, &'a str),
    /// A user and a region to go on as.
    As(&'a str, &'a str),
}

/// What an example prints.
#[derive(Debug, PartialEq)]
pub enum Answer<'a> {
    /// A document.
    Json(&'a str),
    /// Text.
    Text(&'a str),
}

/// Reads a page; what is neither a block nor such a comment is for readers.
///
/// # Errors
/// When a block doesn't end, or an answer follows nothing.
pub fn pieces(page: &str) -> anyhow::Result<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = page;
    while let Some((line, after)) = rest.split_once('\n') {
        rest = after;
        if let Some(language) = line.strip_prefix("```") {
            let (block, after) = match after.strip_prefix("```\n") {
                Some(after) => ("", after),
                None => after
                    .split_once("\n```\n")
                    .with_context(|| format!("a block doesn't end: {after}"))?,
            };
            rest = after;
            let answer = match language {
                "sh" => {
                    pieces.push(Piece::Example(block, None));
                    continue;
                }
                "json" => Answer::Json(block),
                _ => Answer::Text(block),
            };
            match pieces.last_mut() {
                Some(Piece::Example(_, slot @ None)) => *slot = Some(answer),
                _ => anyhow::bail!("an answer follows no example: {block}"),
            }
        } else if let Some(comment) = line
            .strip_prefix("<!-- ")
            .and_then(|line| line.strip_suffix(" -->"))
        {
            pieces.push(instruction(comment).with_context(|| format!("what is {comment:?}?"))?);
        }
    }
    Ok(pieces)
}

fn instruction(comment: &str) -> Option<Piece<'_>> {
    if let Some((name, key)) = comment.split_once('=') {
        return Some(Piece::Set(name, key));
    }
    let (user, region) = comment.strip_prefix("as ")?.split_once(" in ")?;
    Some(Piece::As(user, region))
}

#[test]
fn a_page_is_read_in_its_order() -> anyhow::Result<()> {
    let page = "# Title\n```sh\nls \\\n  -l\n```\n```text\n```\nProse\n<!-- JOB=job_id -->\n\
                ```sh\ntrue\n```\n<!-- as alice in ot2 -->\n```sh\ncurl\n```\n```json\n{}\n```\n";
    let expected = [
        Piece::Example("ls \\\n  -l", Some(Answer::Text(""))),
        Piece::Set("JOB", "job_id"),
        Piece::Example("true", None),
        Piece::As("alice", "ot2"),
        Piece::Example("curl", Some(Answer::Json("{}"))),
    ];
    anyhow::ensure!(pieces(page)? == expected);
    anyhow::ensure!(pieces("```json\n{}\n```\n").is_err());
    anyhow::ensure!(pieces("```sh\nls\n").is_err());
    Ok(())
}
