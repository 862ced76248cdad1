// SPDX-License-Identifier: MIT OR Apache-2.0
//! The page of a batch: one file without scripts, for a browser. Pure.

use std::{collections::BTreeMap, fmt::Write};

use lab_base::catalogue::ROWS;

use super::{
    folder::ResultsFolder,
    plan::BatchPlan,
    result::{BatchResult, counts},
};

const STYLE: &str = "\
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; padding-bottom: .5rem }
th, td { border-bottom: 1px solid #8888; padding: .25rem .75rem; text-align: left; vertical-align: top }
.n { text-align: right; font-variant-numeric: tabular-nums }
";

/// The page of a batch, with those submissions that are not graded yet.
pub fn html(plan: &BatchPlan, results: &BTreeMap<String, BatchResult>) -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Grades</title>\n",
    );
    let _ = writeln!(page, "<style>\n{STYLE}</style>\n</head>\n<body>");
    page += "<h1>Grades</h1>\n";
    let mut counts = counts(results);
    let waiting = plan.submissions.len().saturating_sub(results.len());
    if waiting > 0 {
        counts.push(format!("{waiting} waiting"));
    }
    let options = &plan.options;
    let _ = writeln!(
        page,
        "<p>{} submissions: {}. Kernel {}, seed {}.</p>",
        plan.submissions.len(),
        counts.join(", "),
        escaped(&options.kernel),
        options.seed
    );
    page +=
        "<table>\n<caption>The name of a submission leads to its report.</caption>\n<thead><tr>";
    let shown = |name: &str| {
        results
            .values()
            .any(|result| result.stages.contains_key(name))
    };
    let stages: Vec<_> = ROWS.iter().filter(|row| shown(row.name)).collect();
    page += "<th scope=\"col\">submission</th>";
    for stage in &stages {
        let _ = write!(page, "<th scope=\"col\" class=\"n\">{}</th>", stage.name);
    }
    for (title, class) in [
        ("total", " class=\"n\""),
        ("out of", " class=\"n\""),
        ("status", ""),
        ("seconds", " class=\"n\""),
        ("note", ""),
    ] {
        let _ = write!(page, "<th scope=\"col\"{class}>{title}</th>");
    }
    page += "</tr></thead>\n<tbody>\n";
    let mut ids: Vec<&str> = plan.submissions.iter().map(|known| &known.id[..]).collect();
    ids.sort_unstable();
    for id in ids {
        let result = results.get(id);
        let name = escaped(id);
        let name = match result {
            Some(result) if result.has_report => {
                format!("<a href=\"{}\">{name}</a>", link(id))
            }
            _ => name,
        };
        let _ = write!(page, "<tr><th scope=\"row\">{name}</th>");
        let number = |number: Option<u32>| number.map_or_else(String::new, |n| n.to_string());
        let points =
            |name: &str| number(result.and_then(|result| result.stages.get(name).copied()));
        let total = number(result.and_then(|result| result.total));
        let max = number(result.and_then(|result| result.max));
        let numbers = stages.iter().map(|row| points(row.name));
        for number in numbers.chain([total, max]) {
            let _ = write!(page, "<td class=\"n\">{number}</td>");
        }
        let status = result.map_or_else(|| "waiting".into(), |result| result.status.to_string());
        let seconds = result.map_or_else(String::new, |result| format!("{:.1}", result.seconds));
        let note = result.map_or_else(String::new, |result| escaped(&result.note));
        let _ = writeln!(
            page,
            "<td>{status}</td><td class=\"n\">{seconds}</td><td>{note}</td></tr>"
        );
    }
    page + "</tbody>\n</table>\n</body>\n</html>\n"
}

/// The address of a report, relative to the page.
fn link(id: &str) -> String {
    let path = ResultsFolder::report_of(id).join("report.txt");
    let mut link = String::new();
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._/".contains(&byte) {
            link.push(byte.into());
        } else {
            let _ = write!(link, "%{byte:02X}");
        }
    }
    link
}

/// Text in HTML, also in an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{plan, result::WorkerEnd};

    #[test]
    fn a_page_has_every_submission_and_no_markup_of_theirs() {
        let mut plan = plan::tests::plan();
        plan.add(&["/x/jane doe".into(), "/x/<b>".into(), "/x/late".into()]);
        let report = br#"{"score": 5, "max": 7, "stages": [
            {"stage": "part2", "score": 5, "checks": []}]}"#;
        let graded = BatchResult::of(&WorkerEnd::Exited(1), Some(report), "");
        let refused = BatchResult::of(&WorkerEnd::Exited(2), None, "<script>'&");
        let results = BTreeMap::from([("jane doe".into(), graded), ("_b_".into(), refused)]);
        insta::assert_snapshot!(html(&plan, &results));
    }
}
