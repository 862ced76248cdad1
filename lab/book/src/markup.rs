// SPDX-License-Identifier: MIT OR Apache-2.0
//! Markdown and HTML as text: lines outside of code, links, headings, folded answers. Pure.

use std::fmt::Write as _;

use regex::{Captures, Regex};

/// Lines of Markdown, each with whether it is outside of a code block.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut in_code = false;
    text.lines().map(move |line| {
        let fence = line.trim_start().starts_with("```");
        let outside = !in_code && !fence;
        in_code ^= fence;
        (line, outside)
    })
}

/// Level and text of a heading.
pub(crate) fn heading(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    (level > 0 && text.starts_with(' ')).then(|| (level, text.trim()))
}

/// Text in HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Text that is no Markdown.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::new();
    for character in text.chars() {
        if "\\`*_[]<>#|".contains(character) {
            plain.push('\\');
        }
        plain.push(character);
    }
    plain
}

/// Text that begins with a capital letter, unless its first word is a name such as
/// `message_sender`.
pub(crate) fn capital(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default();
    match text.split_at_checked(1) {
        Some((letter, rest)) if !first.contains(['_', '-', '\'']) => {
            format!("{}{rest}", letter.to_uppercase())
        }
        _ => text.to_owned(),
    }
}

/// Text with code spans and nothing else, in HTML.
fn inline(text: &str) -> String {
    let mut html = String::new();
    for (number, part) in text.split('`').enumerate() {
        let part = escape(part);
        html += &match number % 2 {
            0 => part.replace('*', ""),
            _ => format!("<code>{part}</code>"),
        };
    }
    html
}

/// Links that lead somewhere in the book: to its own pages as they are, to the clauses and hints as
/// its pages, and to other files of the checkout as plain text.
pub(crate) fn links(line: &str) -> anyhow::Result<String> {
    let link = Regex::new(r"\[([^\]]*)\]\(([^)\s]+)\)")?;
    let replaced = link.replace_all(line, |found: &Captures<'_>| {
        let (label, target) = (&found[1], &found[2]);
        let file = target.split('#').next().unwrap_or_default();
        let inside = !file.contains('/') && (file.is_empty() || file.ends_with(".md"));
        if inside || target.starts_with("http") {
            return found[0].to_owned();
        }
        match file.rsplit('/').next().unwrap_or_default() {
            "clauses.toml" => "[The contract](contract.md)".to_owned(),
            "rubric.toml" => "[First hints](hints.md)".to_owned(),
            name if label.ends_with(name) => format!("`{label}`"),
            _ => format!("{label} (`{}`)", file.trim_start_matches("../")),
        }
    });
    Ok(replaced.into_owned())
}

/// Fold the answers below each heading that begins with "Questions": a paragraph that starts in bold
/// is a question, and what follows is its answer. It works without JavaScript.
pub(crate) fn fold(text: &str) -> anyhow::Result<String> {
    let question = Regex::new(r"^\*\*([^*]+(?:\*[^*]+\*[^*]*)*)\*\* *(.*)$")?;
    let mut folded = String::new();
    // The level of the heading of the questions.
    let mut level = None;
    let mut open = false;
    let close = |folded: &mut String, open: &mut bool| {
        if *open {
            folded.push_str("\n</details>\n\n");
        }
        *open = false;
    };
    for (line, outside) in lines(text) {
        if let Some((depth, title)) = heading(line).filter(|_| outside) {
            close(&mut folded, &mut open);
            if level.is_none_or(|level| depth <= level) {
                level = title.starts_with("Questions").then_some(depth);
            }
        }
        let found = question
            .captures(line)
            .filter(|_| outside && level.is_some());
        if let Some(found) = found {
            close(&mut folded, &mut open);
            let summary = inline(&found[1]);
            write!(
                folded,
                "<details>\n<summary>{summary}</summary>\n\n{}\n",
                &found[2]
            )?;
            open = true;
        } else {
            folded.push_str(line);
            folded.push('\n');
        }
    }
    close(&mut folded, &mut open);
    Ok(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_in_the_book_or_become_text() {
        for (line, expected) in [
            ("[part 3](part3.md#router).", "[part 3](part3.md#router)."),
            ("[here](#there)", "[here](#there)"),
            ("[lab/clauses.toml](../clauses.toml)", "[The contract](contract.md)"),
            ("[kernel/a.c](../../kernel/a.c)", "`kernel/a.c`"),
            ("[a file](../../kernel/a.c#L1)", "a file (`kernel/a.c`)"),
        ] {
            assert_eq!(links(line).unwrap(), expected);
        }
    }

    #[test]
    fn answers_are_folded_below_a_heading_of_questions_only() {
        let page = "## One\n**no?** no\n## Questions\n**Is `a < b`?** Yes.\n\n| a |\n**two?**\nno\n## End\n**no**\n";
        let expected = "## One\n**no?** no\n## Questions\n\
            <details>\n<summary>Is <code>a &lt; b</code>?</summary>\n\nYes.\n\n| a |\n\n</details>\n\n\
            <details>\n<summary>two?</summary>\n\n\nno\n\n</details>\n\n## End\n**no**\n";
        assert_eq!(fold(page).unwrap(), expected);
    }

    #[test]
    fn code_has_no_headings_and_text_is_no_markdown() {
        let outside: Vec<_> = lines("# a\n```text\n# b\n```\nc")
            .map(|(_, outside)| outside)
            .collect();
        assert_eq!(outside, [true, false, false, false, true]);
        assert_eq!(plain("a_b <c>"), "a\\_b \\<c\\>");
        assert_eq!(capital("look at it"), "Look at it");
        assert_eq!(capital("message_sender writes"), "message_sender writes");
    }
}
