// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of a batch, for spreadsheets and gradebooks (RFC 4180). Pure.

use std::collections::BTreeMap;

use lab_base::{Error, Result, catalogue::ROWS};

use super::{folder::ResultsFolder, result::BatchResult};

/// The results, sorted by id.
///
/// # Errors
/// The library refuses to write it, which it has no reason to.
pub fn csv(results: &BTreeMap<String, BatchResult>) -> Result<String> {
    let failed = |error: csv::Error| Error::io("writing CSV")(error.into());
    let mut csv = csv::Writer::from_writer(Vec::new());
    let stages = ROWS.iter().map(|row| row.name);
    let before = ["id"].into_iter().chain(stages);
    let after = ["total", "out of", "status", "seconds", "report", "note"];
    csv.write_record(before.chain(after)).map_err(failed)?;
    let number = |number: Option<u32>| number.map_or_else(String::new, |n| n.to_string());
    for (id, result) in results {
        let mut record = vec![cell(id)];
        let points = |name: &str| number(result.stages.get(name).copied());
        record.extend(ROWS.iter().map(|row| points(row.name)));
        let report = ResultsFolder::report_of(id).join("report.txt");
        let report = report.display().to_string();
        record.extend([
            number(result.total),
            number(result.max),
            result.status.to_string(),
            format!("{:.1}", result.seconds),
            if result.has_report {
                report
            } else {
                String::new()
            },
            cell(&result.note),
        ]);
        csv.write_record(&record).map_err(failed)?;
    }
    let bytes = csv
        .into_inner()
        .map_err(|error| Error::io("writing CSV")(error.into_error()))?;
    String::from_utf8(bytes).map_err(|error| Error::Unexpected(error.to_string()))
}

/// Text that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::result::WorkerEnd;

    #[test]
    fn a_table_has_a_row_for_each_result() {
        let report = br#"{"score": 5, "max": 107, "stages": [
            {"stage": "part2", "score": 5, "checks": []},
            {"stage": "message-slot", "score": 0, "checks": []}]}"#;
        let graded = BatchResult::of(&WorkerEnd::Exited(1), Some(report), "");
        let mut refused = BatchResult::of(&WorkerEnd::Exited(2), None, "=1+1: a \"b\", c");
        refused.seconds = 1.25;
        let results = BTreeMap::from([("b".into(), graded), ("a".into(), refused)]);
        assert_eq!(
            csv(&results).unwrap(),
            "id,part1,part2,part3,message-slot,total,out of,status,seconds,report,note\n\
             a,,,,,,,unreadable,1.2,,\"'=1+1: a \"\"b\"\", c\"\n\
             b,,5,,0,5,107,points lost,0.0,reports/b/report.txt,\n"
        );
    }
}
