// SPDX-License-Identifier: MIT OR Apache-2.0
//! The page of a stage: its walkthrough with pictures instead of its text diagram, links that stay
//! in the book, and folded answers.

use std::path::Path;

use anyhow::{Context, bail, ensure};

use crate::{
    markup::{self, escape},
    pages::picture,
    read,
};

/// The last section of each stage.
const END: &str = "What you can now do";

/// The pictures at the start of a stage.
fn pictures(stage: &str) -> &'static [&'static str] {
    match stage {
        "part1" => &["part1"],
        "part2" => &["netlink-queues", "portid"],
        "part3" => &["part3"],
        _ => &["message-slot"],
    }
}

/// The page of a stage.
pub(crate) fn page(lab: &Path, stage: &str) -> anyhow::Result<String> {
    let text = read(&lab.join(format!("walkthrough/{stage}.md")))?;
    let pictures = pictures(stage)
        .iter()
        .map(|name| picture(lab, name))
        .collect::<Result<Vec<_>, _>>()?;
    let text = converted(&text, &pictures.join("\n"));
    text.with_context(|| format!("lab/walkthrough/{stage}.md"))
}

fn converted(text: &str, pictures: &str) -> anyhow::Result<String> {
    let mut page = String::new();
    let mut last = "";
    let mut diagram = false;
    let mut lines = markup::lines(text);
    while let Some((line, outside)) = lines.next() {
        if outside {
            if let Some((level, title)) = markup::heading(line)
                && level == 2
            {
                last = title;
                ensure!(
                    diagram,
                    "expected a text diagram before the first section, found none"
                );
            }
            page += &markup::links(line)?;
            page.push('\n');
            continue;
        }
        // Up to the end of the block.
        let inside = lines.by_ref().map(|(line, _)| line);
        let block: Vec<&str> = inside.take_while(|line| !line.starts_with("```")).collect();
        if diagram {
            page += &code(line.trim_start_matches('`'), &block)?;
        } else {
            page += pictures;
        }
        diagram = true;
    }
    ensure!(
        last == END,
        "expected the last section to be \"{END}\", found \"{last}\""
    );
    markup::fold(&page)
}

/// A block of code. In a block that was typed in a machine, the commands stand out.
fn code(kind: &str, block: &[&str]) -> anyhow::Result<String> {
    let lines = block.iter().map(|line| match line.strip_prefix("# ") {
        Some(_) if kind.starts_with("guest") => format!("<b>{}</b>", escape(line)),
        _ => escape(line),
    });
    let text: Vec<String> = lines.collect();
    match kind.split(' ').next().unwrap_or_default() {
        "guest" | "transcript" | "text" | "" => Ok(format!(
            "<pre><code class=\"nohighlight\">{}</code></pre>\n",
            text.join("\n")
        )),
        other => bail!("expected a block of guest, transcript or text, found {other}"),
    }
}
